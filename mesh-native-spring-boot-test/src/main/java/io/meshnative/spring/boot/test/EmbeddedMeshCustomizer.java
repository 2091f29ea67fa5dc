package io.meshnative.spring.boot.test;

import io.meshnative.consul.ConsulConfig;
import io.meshnative.testkit.ConsulVersion;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.util.Map;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.test.context.ContextCustomizer;
import org.springframework.test.context.MergedContextConfiguration;

/**
 * Starts a control plane that lives as long as a context, which Spring keeps for every class that
 * wishes the same: equal wishes share a context and its plane. It is started before the context's
 * first bean and closed after the last one.
 *
 * @param defaultAllow what happens where no intention matches
 * @param mimic which release it imitates
 * @param datacenter the datacenter
 */
record EmbeddedMeshCustomizer(boolean defaultAllow, ConsulVersion mimic, String datacenter)
    implements ContextCustomizer {
  private static final String PLANE = "embeddedControlPlane";

  static EmbeddedMeshCustomizer of(EmbeddedMesh wish) {
    return new EmbeddedMeshCustomizer(wish.defaultAllow(), wish.mimic(), wish.datacenter());
  }

  @Override
  public void customizeContext(
      ConfigurableApplicationContext context, MergedContextConfiguration configuration) {
    EmbeddedControlPlane plane =
        EmbeddedControlPlane.builder()
            .defaultAllow(defaultAllow)
            .mimic(mimic)
            .datacenter(datacenter)
            .start();
    DefaultListableBeanFactory beans = (DefaultListableBeanFactory) context.getBeanFactory();
    beans.registerSingleton(PLANE, plane);
    beans.registerDisposableBean(PLANE, plane::close);

    // The whole of the agent's settings, not just an address: a CA file or a token of the
    // application's, or of the shell that the tests run in, is not for this plane.
    RootBeanDefinition agent =
        new RootBeanDefinition(
            ConsulConfig.class,
            () -> ConsulConfig.builder().address(plane.address().toString()).build());
    agent.setPrimary(true);
    beans.registerBeanDefinition("embeddedConsulConfig", agent);
    // For whoever reads the property, as a client of the application's own may.
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(
            new MapPropertySource(
                "embeddedMesh", Map.of("mesh-native.consul.address", plane.address().toString())));
  }
}
