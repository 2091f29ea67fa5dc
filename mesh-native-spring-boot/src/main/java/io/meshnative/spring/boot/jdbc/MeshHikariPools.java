package io.meshnative.spring.boot.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import io.meshnative.discovery.Destination;
import io.meshnative.jdbc.MeshDataSource;
import io.meshnative.jdbc.PoolGuard;
import io.meshnative.jdbc.PoolPolicy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.beans.factory.config.DestructionAwareBeanPostProcessor;

/**
 * Makes HikariCP pools follow the mesh: a URL that was set on the pool itself is rewritten, and
 * when the right to call the database is withdrawn the pool lets its connections go before they are
 * cut.
 */
final class MeshHikariPools implements DestructionAwareBeanPostProcessor {
  private final ConfigurableBeanFactory beans;
  private final ObjectProvider<MeshJdbcUrls> urls;
  private final Map<HikariDataSource, PoolGuard> guards = new ConcurrentHashMap<>();

  MeshHikariPools(ConfigurableBeanFactory beans, ObjectProvider<MeshJdbcUrls> urls) {
    this.beans = beans;
    this.urls = urls;
  }

  /** After Boot has bound the pool's properties, and before anybody wraps it. */
  @Override
  public Object postProcessBeforeInitialization(Object bean, String beanName) {
    if (bean instanceof HikariDataSource pool && pool.getJdbcUrl() != null) {
      MeshJdbcUrls mesh = urls.getObject();
      if (mesh.isMesh(pool.getJdbcUrl())) {
        follow(pool, mesh);
        // The mesh goes only after the pool has.
        beans.registerDependentBean(MeshJdbcAutoConfiguration.URLS, beanName);
      }
    }
    return bean;
  }

  private void follow(HikariDataSource pool, MeshJdbcUrls mesh) {
    String rewritten = mesh.rewrite(pool.getJdbcUrl());
    if (!rewritten.equals(pool.getJdbcUrl())) {
      // A pool that runs refuses this: it would have dialled past the mesh.
      pool.setJdbcUrl(rewritten);
    }
    guards.put(
        pool,
        PoolGuard.watch(
            mesh.mesh(),
            destination(pool, rewritten),
            PoolPolicy.defaults(),
            why -> {
              HikariPoolMXBean running = pool.getHikariPoolMXBean();
              if (running != null && !pool.isClosed()) {
                running.softEvictConnections();
              }
            }));
  }

  private static Destination destination(HikariDataSource pool, String url) {
    try {
      MeshDataSource.Builder target = MeshDataSource.builder(url);
      // They count more than the URL with some drivers; building refuses what contradicts it.
      pool.getDataSourceProperties()
          .forEach((name, value) -> target.property(String.valueOf(name), String.valueOf(value)));
      return target.build().destination();
    } catch (IllegalArgumentException e) {
      throw new MeshDataSourceUrlException(e);
    }
  }

  @Override
  public boolean requiresDestruction(Object bean) {
    return bean instanceof HikariDataSource pool && guards.containsKey(pool);
  }

  @Override
  public void postProcessBeforeDestruction(Object bean, String beanName) {
    if (bean instanceof HikariDataSource pool) {
      PoolGuard guard = guards.remove(pool);
      if (guard != null) {
        guard.close();
      }
    }
  }

  int guarded() {
    return guards.size();
  }
}
