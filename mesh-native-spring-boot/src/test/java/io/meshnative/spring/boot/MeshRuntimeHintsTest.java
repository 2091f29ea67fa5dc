package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClientProvider;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.TypeReference;
import org.springframework.aot.hint.predicate.RuntimeHintsPredicates;

class MeshRuntimeHintsTest {

  @Test
  void theImplementationIsFoundByTheServiceLoaderInANativeImage() {
    RuntimeHints hints = new RuntimeHints();
    new MeshRuntimeHints().registerHints(hints, getClass().getClassLoader());
    Class<?> provider =
        ServiceLoader.load(MeshClientProvider.class).stream().findFirst().orElseThrow().type();
    assertThat(
            RuntimeHintsPredicates.reflection()
                .onType(TypeReference.of(provider))
                .withMemberCategory(MemberCategory.INVOKE_PUBLIC_CONSTRUCTORS))
        .accepts(hints);
    assertThat(
            RuntimeHintsPredicates.resource()
                .forResource("META-INF/services/" + MeshClientProvider.class.getName()))
        .accepts(hints);
  }

  @Test
  void providersForGrpcAreWhereTheirModuleIsAndNobodyElses(@TempDir Path folder) throws Exception {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.writeString(
        services.resolve("io.grpc.NameResolverProvider"),
        "# ours and others'\n" + getClass().getName() + "\njava.lang.String\nio.meshnative.Gone\n");
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
      RuntimeHints hints = new RuntimeHints();
      new MeshRuntimeHints().registerHints(hints, loader);
      assertThat(RuntimeHintsPredicates.reflection().onType(getClass())).accepts(hints);
      assertThat(RuntimeHintsPredicates.reflection().onType(String.class)).rejects(hints);
      assertThat(hints.reflection().typeHints())
          .noneMatch(hint -> hint.getType().getName().endsWith("Gone"));
      assertThat(
              RuntimeHintsPredicates.resource()
                  .forResource("META-INF/services/io.grpc.NameResolverProvider"))
          .accepts(hints);
    }
  }
}
