package io.meshnative.spring.boot.test;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.context.annotation.Import;

/**
 * Adds the auto-configurations of the mesh to a test of a slice of an application, which has none
 * of them by itself:
 *
 * <pre>{@code
 * @RestClientTest(OrdersClient.class)
 * @AutoConfigureMesh
 * @EmbeddedMesh
 * class OrdersClientTest { … }
 * }</pre>
 *
 * <p>Each still has its own conditions. A {@code @SpringBootTest} has them without this.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@Import(MeshAutoConfigurations.class)
public @interface AutoConfigureMesh {}
