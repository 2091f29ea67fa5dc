package io.meshnative.spring.boot.test;

import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import org.springframework.test.context.TestContext;
import org.springframework.test.context.TestContextAnnotationUtils;
import org.springframework.test.context.TestExecutionListener;
import org.springframework.util.ClassUtils;

/** Lets no class see the intentions of another one with which it shares a context. */
final class EmbeddedMeshListener implements TestExecutionListener {
  @Override
  public void beforeTestClass(TestContext test) {
    EmbeddedMesh wish =
        TestContextAnnotationUtils.findMergedAnnotation(test.getTestClass(), EmbeddedMesh.class);
    // Nested classes begin with what those around them have made.
    if (wish != null
        && !ClassUtils.isInnerClass(test.getTestClass())
        && test.hasApplicationContext()) {
      test.getApplicationContext()
          .getBean(EmbeddedControlPlane.class)
          .removeIntentions()
          .defaultAllow(wish.defaultAllow());
    }
  }
}
