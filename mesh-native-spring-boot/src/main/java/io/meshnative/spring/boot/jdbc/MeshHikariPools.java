package io.meshnative.spring.boot.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import io.meshnative.jdbc.MeshDataSource;
import io.meshnative.jdbc.MeshHikari;
import io.meshnative.jdbc.MeshJdbcOptions;
import io.meshnative.jdbc.PoolGuard;
import io.meshnative.jdbc.PoolPolicy;
import io.meshnative.jdbc.RefreshingCredentials;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.beans.factory.config.DestructionAwareBeanPostProcessor;

/**
 * Makes HikariCP pools follow the mesh. A pool that has a mesh host in its URL, by Boot's
 * properties or by setters, becomes one of {@link MeshHikari} with the same settings: nobody has
 * borrowed from it yet. One of a class of the application's own stays, with its URL rewritten, and
 * lets its connections go when the right to call the database is withdrawn.
 *
 * <p>A bean of {@link PoolPolicy} says how; the one bean of {@link RefreshingCredentials}, where
 * there is just one, logs in for pools that name no user.
 */
final class MeshHikariPools implements DestructionAwareBeanPostProcessor {
  private final ConfigurableBeanFactory beans;
  private final ObjectProvider<MeshJdbcUrls> urls;

  /** What ends with a bean, by the bean as it was made. */
  private final Map<Object, List<AutoCloseable>> followed =
      Collections.synchronizedMap(new IdentityHashMap<>());

  MeshHikariPools(ConfigurableBeanFactory beans, ObjectProvider<MeshJdbcUrls> urls) {
    this.beans = beans;
    this.urls = urls;
  }

  /** After Boot has bound the pool's properties, and before anybody wraps it. */
  @Override
  public Object postProcessBeforeInitialization(Object bean, String beanName) {
    // One that has a source of its own never looks at its URL; those of MeshHikari have.
    if (bean instanceof HikariDataSource pool
        && pool.getJdbcUrl() != null
        && pool.getDataSource() == null) {
      MeshJdbcUrls mesh = urls.getObject();
      if (mesh.isMesh(pool.getJdbcUrl())) {
        // The mesh goes only after the pool has.
        beans.registerDependentBean(MeshJdbcAutoConfiguration.URLS, beanName);
        return follow(pool, beanName, mesh);
      }
    }
    return bean;
  }

  private HikariDataSource follow(HikariDataSource pool, String beanName, MeshJdbcUrls mesh) {
    String rewritten = mesh.rewrite(pool.getJdbcUrl());
    if (!rewritten.equals(pool.getJdbcUrl())) {
      // A pool that runs refuses this: it would have dialled past the mesh.
      pool.setJdbcUrl(rewritten);
    }
    if (pool.getDataSourceClassName() != null) {
      throw new MeshDataSourceUrlException(
          new IllegalArgumentException(
              "expected the jdbcUrl alone to say where the database is, found dataSourceClassName="
                  + pool.getDataSourceClassName()
                  + " beside it, which would not ask the mesh; take it out"));
    }
    PoolPolicy policy = beans.getBeanProvider(PoolPolicy.class).getIfUnique(PoolPolicy::defaults);
    if (pool.getClass() != HikariDataSource.class || pool.getHikariPoolMXBean() != null) {
      keep(pool, guards(pool, mesh, policy));
      return pool;
    }
    MeshHikari.Builder builder =
        MeshHikari.builder(pool)
            .options(MeshJdbcOptions.defaults())
            .policy(policy)
            .lazily(); // as Boot's own: an application starts while its database is away
    boolean anonymous = pool.getUsername() == null || pool.getUsername().isEmpty();
    if (anonymous && pool.getCredentialsProvider() == null) {
      RefreshingCredentials users =
          beans.getBeanProvider(RefreshingCredentials.class).getIfUnique();
      if (users != null) {
        builder.credentials(users);
        if (beans instanceof ListableBeanFactory listable) {
          for (String name : listable.getBeanNamesForType(RefreshingCredentials.class)) {
            beans.registerDependentBean(name, beanName);
          }
        }
      }
    }
    HikariDataSource followed = agreeing(builder::build);
    keep(pool, List.of(followed));
    return followed;
  }

  private static List<AutoCloseable> guards(
      HikariDataSource pool, MeshJdbcUrls mesh, PoolPolicy policy) {
    MeshDataSource.Builder target = MeshDataSource.builder(pool.getJdbcUrl());
    // They count more than the URL with some drivers; building refuses what contradicts it.
    pool.getDataSourceProperties()
        .forEach((name, value) -> target.property(String.valueOf(name), String.valueOf(value)));
    List<AutoCloseable> guards = new ArrayList<>();
    agreeing(target::build)
        .destinations()
        .forEach(destination ->
            guards.add(
                PoolGuard.watch(
                    mesh.mesh(),
                    destination,
                    policy,
                    why -> {
                      HikariPoolMXBean running = pool.getHikariPoolMXBean();
                      if (running != null && !pool.isClosed()) {
                        running.softEvictConnections();
                      }
                    })));
    return guards;
  }

  /** What the pool's own settings contradict is told as any other URL that does not go. */
  private static <T> T agreeing(Supplier<T> build) {
    try {
      return build.get();
    } catch (IllegalArgumentException e) {
      throw new MeshDataSourceUrlException(e);
    }
  }

  private void keep(HikariDataSource pool, List<? extends AutoCloseable> parts) {
    followed.put(pool, List.copyOf(parts));
  }

  @Override
  public boolean requiresDestruction(Object bean) {
    return followed.containsKey(bean);
  }

  /** Spring ends the bean that it has made; what took its place ends here. */
  @Override
  public void postProcessBeforeDestruction(Object bean, String beanName) {
    List<AutoCloseable> parts = followed.remove(bean);
    if (parts == null) {
      return;
    }
    for (AutoCloseable part : parts) {
      try {
        part.close();
      } catch (Exception e) {
        throw new IllegalStateException("closing the pool " + beanName + " failed", e);
      }
    }
  }

  int guarded() {
    return followed.size();
  }
}
