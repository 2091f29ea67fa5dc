package io.meshnative.spring.boot.test;

import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMeshSource;
import java.lang.reflect.Executable;
import java.util.Arrays;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.springframework.beans.factory.annotation.ParameterResolutionDelegate;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.test.context.junit.jupiter.SpringExtension;
import org.springframework.test.context.support.TestConstructorUtils;
import org.springframework.util.ClassUtils;

/** Test classes of Spring get the plane of their context. */
public final class SpringMeshSource implements EmbeddedMeshSource {
  /** For the service loader. */
  public SpringMeshSource() {}

  @Override
  public boolean supplies(Class<?> testClass) {
    return MergedAnnotations.search(SearchStrategy.TYPE_HIERARCHY)
        .withEnclosingClasses(ClassUtils::isInnerClass)
        .from(testClass)
        .stream(ExtendWith.class)
        .flatMap(extended -> Arrays.stream(extended.getClassArray("value")))
        .anyMatch(SpringExtension.class::isAssignableFrom);
  }

  @Override
  public EmbeddedControlPlane plane(ExtensionContext context) {
    return SpringExtension.getApplicationContext(context).getBean(EmbeddedControlPlane.class);
  }

  @Override
  public boolean fills(ParameterContext parameter, ExtensionContext context) {
    Executable declaring = parameter.getDeclaringExecutable();
    return ParameterResolutionDelegate.isAutowirable(parameter.getParameter(), parameter.getIndex())
        || TestConstructorUtils.isAutowirableConstructor(
            declaring, name -> context.getConfigurationParameter(name).orElse(null));
  }
}
