package io.meshnative.spring.boot.jdbc;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.TypeReference;
import org.springframework.util.ClassUtils;

/** The socket factories, which drivers make by the class name in a rewritten URL. */
final class MeshJdbcRuntimeHints implements RuntimeHintsRegistrar {
  static final List<String> FACTORIES =
      List.of(
          "io.meshnative.jdbc.PostgresSocketFactory",
          "io.meshnative.jdbc.MySqlSocketFactory",
          "io.meshnative.jdbc.MariaDbSocketFactory",
          "io.meshnative.jdbc.SqlServerSocketFactory",
          // Named by applications that dial PostgreSQL's own TLS in the mesh.
          "io.meshnative.jdbc.PostgresTlsFactory",
          "io.meshnative.jdbc.SpiffeHostnameVerifier");

  @Override
  public void registerHints(RuntimeHints hints, @Nullable ClassLoader loader) {
    for (String factory : FACTORIES) {
      // Each extends a type of its driver: without the driver it cannot be loaded, nor is it used.
      if (ClassUtils.isPresent(factory, loader)) {
        hints
            .reflection()
            .registerType(TypeReference.of(factory), MemberCategory.INVOKE_PUBLIC_CONSTRUCTORS);
      }
    }
  }
}
