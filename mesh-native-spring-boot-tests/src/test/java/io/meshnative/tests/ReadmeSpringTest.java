package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.io.IOException;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import okhttp3.OkHttpClient;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.servlet.ServletWebServerFactory;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;

/** Does what the README's section on Spring Boot says, with the very text that stands there. */
@EmbeddedMesh
class ReadmeSpringTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern SECTION = Pattern.compile("(?ms)^## Spring Boot$(?<text>.*?)^## ");
  private static final Pattern BLOCK =
      Pattern.compile("(?ms)^```(?<language>\\w+)$\\n(?<text>.*?)^```$");
  private static final Pattern CLASS = Pattern.compile("(?m)^class (\\w+) \\{$");

  /** What an editor adds by itself. */
  private static final String IMPORTS =
      """
      package io.meshnative.tests;

      import static org.awaitility.Awaitility.await;

      import io.meshnative.MeshClient;
      import io.meshnative.MeshPeer;
      import io.meshnative.testkit.EmbeddedControlPlane;
      import io.meshnative.testkit.EmbeddedMesh;
      import org.junit.jupiter.api.Test;
      import org.springframework.beans.factory.annotation.Autowired;
      import org.springframework.boot.test.context.SpringBootTest;
      import org.springframework.web.bind.annotation.GetMapping;
      import org.springframework.web.bind.annotation.PathVariable;
      import org.springframework.web.bind.annotation.RestController;
      import org.springframework.web.client.RestClient;

      """;

  @TempDir static Path directory;

  private static String section;

  @BeforeAll
  static void read() throws Exception {
    Matcher found = SECTION.matcher(Files.readString(ROOT.resolve("README.md")));
    assertThat(found.find()).as("the README has a section on Spring Boot").isTrue();
    section = found.group("text");
  }

  private static List<String> blocks(String language) {
    return BLOCK
        .matcher(section)
        .results()
        .filter(block -> block.group(1).equals(language))
        .map((MatchResult block) -> block.group(2))
        .toList();
  }

  /** What SpringApplication is given beside the README's controller. */
  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  static class Application {
    @Bean
    ServletWebServerFactory tomcat() {
      return new TomcatServletWebServerFactory();
    }
  }

  private static Class<?> compile(String code) throws Exception {
    Matcher named = CLASS.matcher(code);
    assertThat(named.find()).as(code).isTrue();
    Path source = directory.resolve(named.group(1) + ".java");
    Files.writeString(source, IMPORTS + code);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter complaints = new StringWriter();
    boolean done =
        compiler
            .getTask(
                complaints,
                null,
                null,
                List.of(
                    "-parameters",
                    "-proc:none",
                    "-d",
                    directory.toString(),
                    "-classpath",
                    System.getProperty("java.class.path")),
                null,
                compiler.getStandardFileManager(null, null, null).getJavaFileObjects(source))
            .call();
    assertThat(done).as(complaints.toString()).isTrue();
    URLClassLoader loader =
        new URLClassLoader(
            new URL[] {directory.toUri().toURL()}, ReadmeSpringTest.class.getClassLoader());
    return loader.loadClass(ReadmeSpringTest.class.getPackageName() + "." + named.group(1));
  }

  private static ConfigurableApplicationContext start(
      EmbeddedControlPlane plane, String yaml, Class<?> controller) throws Exception {
    Path file = directory.resolve(controller.getSimpleName() + ".yml");
    Files.writeString(file, yaml);
    return new SpringApplicationBuilder(Application.class, controller)
        .run(
            "--spring.config.location=" + file.toUri(),
            "--mesh-native.consul.address=" + plane.httpAddr(),
            "--mesh-native.startup-timeout=60s",
            "--mesh-native.shutdown-drain=0s",
            "--mesh-native.register.address=127.0.0.1",
            "--server.address=127.0.0.1",
            "--server.port=0",
            "--spring.main.banner-mode=off",
            "--logging.level.root=off");
  }

  @Test
  void theDependencyIsInTheBillOfMaterialsAndOnOurClassPath() throws Exception {
    assertThat(blocks("xml")).hasSize(1);
    String artifact =
        blocks("xml").get(0).replaceAll("(?s).*<artifactId>(.*?)</artifactId>.*", "$1");
    String bom = Files.readString(ROOT.resolve("mesh-native-bom/pom.xml"));
    assertThat(bom).contains("<artifactId>" + artifact + "</artifactId>");
    assertThat(section).contains("`mesh-native-spring-boot-test`");
    assertThat(bom).contains("<artifactId>mesh-native-spring-boot-test</artifactId>");
    // These tests have no other dependency of ours that the applications could run on.
    assertThat(Files.readString(Path.of("pom.xml")))
        .contains("<artifactId>" + artifact + "</artifactId>")
        .doesNotContain("<artifactId>mesh-native-spring-boot</artifactId>");
  }

  @Test
  void theTwoApplicationsTalk(EmbeddedControlPlane plane) throws Exception {
    assertThat(blocks("yaml")).hasSize(2);
    try (ConfigurableApplicationContext orders =
            start(plane, blocks("yaml").get(1), compile(blocks("java").get(1)));
        ConfigurableApplicationContext shop =
            start(plane, blocks("yaml").get(0), compile(blocks("java").get(0)))) {
      assertThat(orders.isRunning()).isTrue();
      OkHttpClient people = new OkHttpClient.Builder().readTimeout(Cast.GUARD).build();
      String port = shop.getEnvironment().getRequiredProperty("local.server.port");
      Cast.await(
          "the one serves by way of the other",
          () -> {
            try {
              return Boot.get(people, "http://127.0.0.1:" + port + "/orders/17")
                  .equals("200 order 17, for web");
            } catch (IOException e) {
              return false; // a starved machine: it asks again
            }
          });
    }
  }

  @Test
  void theTestPasses() throws Exception {
    assertThat(blocks("java")).hasSize(3);
    String test =
        blocks("java")
            .get(2)
            .replace(
                "@SpringBootTest\n",
                "@SpringBootTest(classes = ReadmeSpringTest.Application.class,"
                    + " properties = {\"mesh-native.service=orders\","
                    + " \"mesh-native.startup-timeout=60s\"})\n");
    Awaitility.setDefaultTimeout(Cast.GUARD); // a reader's ten seconds are no hang guard
    try {
      EngineTestKit.engine("junit-jupiter")
          .selectors(selectClass(compile(test)))
          .execute()
          .testEvents()
          .assertStatistics(events -> events.succeeded(1).failed(0));
    } finally {
      Awaitility.reset();
    }
  }
}
