package io.meshnative.spring.boot.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.boot.json.JsonParserFactory;

/** Holds the properties in docs/grpc.md against the metadata that IDEs complete from. */
class GrpcPageTest {
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `(?<name>mesh-native[a-z.-]+)` \\| (`(?<given>[^`]*)`)?[^|]*\\|");

  @Test
  void theTableHasEveryPropertyWithItsDefault() throws Exception {
    Map<String, String> written = new TreeMap<>();
    ROW.matcher(Files.readString(Path.of("..", "docs", "grpc.md")))
        .results()
        .forEach(row -> written.put(row.group(1), row.group(3)));
    Map<String, String> coded = new TreeMap<>();
    String metadata =
        Files.readString(
            Path.of("target", "classes", "META-INF", "spring-configuration-metadata.json"));
    for (Object one :
        (Iterable<?>) JsonParserFactory.getJsonParser().parseMap(metadata).get("properties")) {
      Map<?, ?> property = (Map<?, ?>) one;
      Object value = property.get("defaultValue");
      String name = property.get("name").toString();
      // Where the code has none, what the page says of it is prose.
      coded.put(name, value == null ? written.get(name) : value.toString());
    }
    assertThat(written).isNotEmpty().isEqualTo(coded);
  }
}
