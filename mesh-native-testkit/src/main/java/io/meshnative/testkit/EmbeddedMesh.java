package io.meshnative.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Starts an {@link EmbeddedControlPlane} for a JUnit test class, or for one test method, and closes
 * it afterwards. Constructors, tests and life-cycle methods may take it as a parameter:
 *
 * <pre>{@code
 * @EmbeddedMesh
 * class BillingTest {
 *   @Test
 *   void webMayCall(EmbeddedControlPlane plane) {
 *     plane.allow("web", "billing");
 *   }
 * }
 * }</pre>
 *
 * <p>All tests of a class share its plane, nested classes too; on a method the annotation gives
 * that test one of its own. Needs JUnit 5.8 or newer on the path.
 *
 * <p>On a test class of Spring, with {@code mesh-native-spring-boot-test} on the path, the plane
 * lives with the application's context, and the application is a member of its mesh.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(EmbeddedMeshExtension.class)
@SuppressWarnings("exports") // JUnit is optional: who uses this has it, nobody else must
public @interface EmbeddedMesh {
  /** What happens where no intention matches; see {@link EmbeddedControlPlane.Builder}. */
  boolean defaultAllow() default true;

  /** Which release to imitate. */
  ConsulVersion mimic() default ConsulVersion.V1_10;

  /** The datacenter. */
  String datacenter() default "dc1";
}
