package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.boot.json.JsonParserFactory;

/** Holds docs/spring-boot.md against the metadata that IDEs complete from. */
class SpringBootPageTest {
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `(?<name>[a-z.-]+)` \\| (`(?<given>[^`]*)`)?[^|]*\\|");

  private static String page() throws IOException {
    return Files.readString(Path.of("..", "docs", "spring-boot.md"), StandardCharsets.UTF_8);
  }

  /** Each property with its default, empty where the metadata knows none. */
  private static Map<String, String> metadata() throws IOException {
    // Boot's modules have theirs on the class path as well; ours is beside our classes, in a
    // directory or in a jar.
    String classes =
        MeshProperties.class
            .getResource(MeshProperties.class.getSimpleName() + ".class")
            .toString();
    String place = MeshProperties.class.getName().replace('.', '/') + ".class";
    URL beside =
        URI.create(classes.replace(place, "META-INF/spring-configuration-metadata.json")).toURL();
    String own;
    try (InputStream in = beside.openStream()) {
      own = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    Map<String, String> properties = new TreeMap<>();
    for (Object one :
        (Iterable<?>) JsonParserFactory.getJsonParser().parseMap(own).get("properties")) {
      Map<?, ?> property = (Map<?, ?>) one;
      Object value = property.get("defaultValue");
      properties.put(String.valueOf(property.get("name")), value == null ? "" : value.toString());
    }
    return properties;
  }

  @Test
  void everyPropertyIsOnThePageAndEveryOneOnThePageExists() throws IOException {
    Set<String> written = new TreeSet<>();
    ROW.matcher(page()).results().forEach(row -> written.add(row.group(1)));
    assertThat(written).isEqualTo(metadata().keySet());
  }

  @Test
  void theDefaultsOnThePageAreThoseOfTheCode() throws IOException {
    Map<String, String> defaults = metadata();
    ROW.matcher(page())
        .results()
        .forEach(row -> {
          String value = defaults.get(row.group(1));
          if (value != null && !value.isEmpty()) {
            assertThat(row.group(3)).as(row.group(1)).isEqualTo(value);
          }
        });
  }
}
