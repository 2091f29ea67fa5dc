package io.meshnative.spring.boot.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.MeshClient;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.meshnative.spring.boot.MeshProperties;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.ImportRuntimeHints;
import org.springframework.core.env.Environment;

/**
 * Databases whose URL names a mesh host are reached through the mesh; all others are left alone,
 * among them those on {@code localhost}, as containers of tests and of Docker Compose are.
 */
@AutoConfiguration(
    after = MeshAutoConfiguration.class,
    beforeName = "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration")
@ConditionalOnClass({MeshJdbcUrl.class, JdbcConnectionDetails.class})
@ConditionalOnBean(MeshClient.class)
@ConditionalOnProperty(prefix = "mesh-native.client", name = "enabled", matchIfMissing = true)
@ImportRuntimeHints(MeshJdbcRuntimeHints.class)
public final class MeshJdbcAutoConfiguration {
  static final String URLS = "meshJdbcUrls";

  /** They make data sources of their own, which nobody asks us about. */
  private static final List<String> MIGRATIONS =
      List.of("spring.flyway.url", "spring.liquibase.url");

  @Bean(name = URLS, destroyMethod = "close")
  MeshJdbcUrls meshJdbcUrls(MeshClient mesh, MeshProperties properties, Environment environment) {
    MeshJdbcUrls urls = new MeshJdbcUrls(mesh, properties.client());
    for (String migration : MIGRATIONS) {
      String url = environment.getProperty(migration);
      if (url != null && urls.isMesh(url)) {
        urls.close();
        throw new IllegalArgumentException(
            "expected no host of the mesh in "
                + migration
                + ", which would be dialled past the mesh, found one; leave it out, so that"
                + " migrations use the application's data source");
      }
    }
    return urls;
  }

  /** Whichever details win are looked at, so that a mesh host is never dialled in plain text. */
  @Bean
  static BeanPostProcessor meshConnectionDetails(ObjectProvider<MeshJdbcUrls> urls) {
    return new BeanPostProcessor() {
      @Override
      public Object postProcessAfterInitialization(Object bean, String name) {
        if (bean instanceof JdbcConnectionDetails details
            && urls.getObject().isMesh(details.getJdbcUrl())) {
          return new MeshConnectionDetails(details, urls.getObject().rewrite(details.getJdbcUrl()));
        }
        return bean;
      }
    };
  }

  /** Pools of HikariCP. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(HikariDataSource.class)
  static class Hikari {
    @Bean
    static MeshHikariPools meshHikariPools(
        ConfigurableBeanFactory beans, ObjectProvider<MeshJdbcUrls> urls) {
      return new MeshHikariPools(beans, urls);
    }
  }
}
