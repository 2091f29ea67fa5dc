package io.meshnative.spring.boot;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.TypeReference;
import org.springframework.util.ClassUtils;

/**
 * The providers of this library that are found by name, as {@link java.util.ServiceLoader} does it:
 * those of the client itself, and those of gRPC where it is there.
 *
 * <p>Conscrypt has no hints on purpose: an image into which its native library got without all that
 * it asks for by JNI would end where TLS begins. Without it, images speak the JDK's TLS.
 */
final class MeshRuntimeHints implements RuntimeHintsRegistrar {
  static final List<String> SERVICES =
      List.of(
          "io.meshnative.MeshClientProvider",
          "io.grpc.NameResolverProvider",
          "io.grpc.LoadBalancerProvider");

  private static final String FOLDER = "META-INF/services/";
  private static final String OURS = "io.meshnative.";

  @Override
  public void registerHints(RuntimeHints hints, @Nullable ClassLoader loader) {
    ClassLoader found = loader == null ? ClassUtils.getDefaultClassLoader() : loader;
    if (found == null) {
      return;
    }
    for (String service : SERVICES) {
      try {
        for (URL file : Collections.list(found.getResources(FOLDER + service))) {
          register(hints, found, service, file);
        }
      } catch (IOException e) {
        throw new UncheckedIOException("expected to read the providers of " + service, e);
      }
    }
  }

  private static void register(RuntimeHints hints, ClassLoader loader, String service, URL file)
      throws IOException {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(file.openStream(), StandardCharsets.UTF_8))) {
      lines
          .lines()
          .map(String::trim)
          .filter(line -> line.startsWith(OURS) && ClassUtils.isPresent(line, loader))
          .forEach(provider -> {
            hints
                .reflection()
                .registerType(
                    TypeReference.of(provider), MemberCategory.INVOKE_PUBLIC_CONSTRUCTORS);
            hints.resources().registerPattern(FOLDER + service);
          });
    }
  }
}
