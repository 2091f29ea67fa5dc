package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/**
 * The bill of materials has no parent, so that an import brings no version of the build's own tools
 * along; its versions are written twice, and held together here.
 */
final class BomTest {
  private static final Path ROOT = root();

  private final XPath xpath = XPathFactory.newInstance().newXPath();
  private final Document parent = read(ROOT.resolve("pom.xml"));
  private final Document bom = read(ROOT.resolve("mesh-native-bom/pom.xml"));

  @Test
  void theBomHasTheVersionOfTheBuild() throws Exception {
    assertThat(text(bom, "/project/version")).isEqualTo(text(parent, "/project/version"));
    assertThat(text(bom, "/project/groupId")).isEqualTo(text(parent, "/project/groupId"));
  }

  @Test
  void theBomNamesEveryPublishedModuleInItsOwnVersion() throws Exception {
    TreeSet<String> published = new TreeSet<>();
    for (String module : texts(parent, "/project/modules/module")) {
      Document pom = read(ROOT.resolve(module).resolve("pom.xml"));
      boolean jar = !text(pom, "/project/packaging").equals("pom");
      boolean skipped = text(pom, "/project/properties/maven.deploy.skip").equals("true");
      if (jar && !skipped) {
        published.add(text(pom, "/project/artifactId"));
      }
    }
    Map<String, String> own = managed(bom, "io.meshnative");
    assertThat(own.keySet()).isEqualTo(published);
    assertThat(own.values()).containsOnly("${project.version}");
  }

  @Test
  void theBomNamesTheConscryptThatTheBuildTests() throws Exception {
    assertThat(managed(bom, "org.conscrypt"))
        .containsExactly(
            Map.entry(
                "conscrypt-openjdk-uber", text(parent, "/project/properties/conscrypt.version")));
  }

  private Map<String, String> managed(Document pom, String group) throws Exception {
    String base = "/project/dependencyManagement/dependencies/dependency[groupId='" + group + "']";
    Map<String, String> versions = new TreeMap<>();
    for (String artifact : texts(pom, base + "/artifactId")) {
      versions.put(artifact, text(pom, base + "[artifactId='" + artifact + "']/version"));
    }
    return versions;
  }

  private String text(Document pom, String path) throws Exception {
    return xpath.evaluate(path, pom).strip();
  }

  private String[] texts(Document pom, String path) throws Exception {
    NodeList nodes = (NodeList) xpath.evaluate(path, pom, XPathConstants.NODESET);
    return IntStream.range(0, nodes.getLength())
        .mapToObj(i -> nodes.item(i).getTextContent().strip())
        .toArray(String[]::new);
  }

  private static Document read(Path pom) {
    try {
      return DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(pom.toFile());
    } catch (Exception e) {
      throw new IllegalStateException("expected a POM at " + pom, e);
    }
  }

  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.exists(at.resolve("mesh-native-bom/pom.xml"))) {
      at = at.getParent();
      if (at == null) {
        throw new IllegalStateException(
            "expected to run inside the source tree, found " + Path.of("").toAbsolutePath());
      }
    }
    return at;
  }
}
