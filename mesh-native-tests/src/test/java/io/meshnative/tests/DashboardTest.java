package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.squareup.moshi.JsonAdapter;
import com.squareup.moshi.Moshi;
import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.micrometer.MeshMeterBinder;
import io.meshnative.testkit.MeshTestAuthority;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The dashboard and the table of meters, held against the meters that there are after traffic. */
@Timeout(120)
class DashboardTest {
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);
  private static final Pattern SAMPLE =
      Pattern.compile("(?m)^([a-zA-Z_:][\\w:]*)(?:\\{([^}]*)})? [^#\\n]*$");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `(mesh\\.[a-z.]+)` \\| ([a-z, ]+) \\|([^|]*)\\|");

  private static final MeshTestAuthority AUTHORITY = MeshTestAuthority.create();
  private static final SimpleMeterRegistry SIMPLE = new SimpleMeterRegistry();
  private static final CompositeMeterRegistry REGISTRY = new CompositeMeterRegistry();

  /** The labels, with their values, of each metric that is scraped. */
  private static final Map<String, Map<String, Set<String>>> SCRAPED = new TreeMap<>();

  private static MeshClient web;
  private static MeshClient db;
  private static MeshMeterBinder ofWeb;
  private static MeshMeterBinder ofDb;

  /** Everything once: a dial, a refusal, a withdrawal, a rotation, an agent that goes away. */
  @BeforeAll
  static void callEachOther() throws Exception {
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(AUTHORITY, "web");
    FakeControlPlane dbPlane = FakeControlPlane.allowingAll(AUTHORITY, "db");
    PrometheusMeterRegistry prometheus = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    REGISTRY.add(prometheus).add(SIMPLE);
    web = MeshClient.builder("web").controlPlane(webPlane).build();
    db = MeshClient.builder("db").controlPlane(dbPlane).build();
    ofWeb = new MeshMeterBinder(web);
    ofDb = new MeshMeterBinder(db);
    ofWeb.bindTo(REGISTRY);
    ofDb.bindTo(REGISTRY);
    MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults());
    webPlane.endpoints("db", FakeControlPlane.endpoint(AUTHORITY, "db", server.getLocalPort()));
    try (SSLSocket near = web.dial("db");
        SSLSocket far = server.accept()) {
      near.getOutputStream().write(7);
      assertThat(far.getInputStream().read()).isEqualTo(7);
      webPlane.issue(AUTHORITY, "web");
      dbPlane.intentions(
          FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
      awaitCount("mesh.connections.closed", 1, "service", "db", "reason", "denied");
    }
    assertThatThrownBy(
            () -> {
              try (SSLSocket near = web.dial("db")) {
                near.setSoTimeout(60_000);
                near.getInputStream().read();
              }
            })
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() ->
            web.dial(
                Destination.parse("made-up-by-somebody"),
                DialOptions.defaults().withTimeout(Duration.ofMillis(100))))
        .isInstanceOf(IOException.class);
    awaitCount("mesh.identity.rotations", 1, "service", "web", "outcome", "renewed");
    awaitCount(
        "mesh.authorization", 1, "service", "db", "direction", "inbound", "outcome", "denied");
    awaitCount("mesh.connections.closed", 1, "service", "web", "direction", "outbound");
    Cast.await(
        "the destination has a name",
        () -> SIMPLE.find("mesh.endpoints").tags("destination", "db").gauge() != null);
    Matcher sample = SAMPLE.matcher(prometheus.scrape());
    while (sample.find()) {
      Map<String, Set<String>> labels =
          SCRAPED.computeIfAbsent(sample.group(1), name -> new TreeMap<>());
      Matcher label = LABEL.matcher(Objects.requireNonNullElse(sample.group(2), ""));
      while (label.find()) {
        labels.computeIfAbsent(label.group(1), name -> new TreeSet<>()).add(label.group(2));
      }
    }
  }

  @AfterAll
  static void stop() {
    ofWeb.close();
    ofDb.close();
    web.close();
    db.close();
    REGISTRY.close();
  }

  private static double count(String name, String... tags) {
    return REGISTRY.getRegistries().stream()
        .filter(SimpleMeterRegistry.class::isInstance)
        .flatMap(registry -> registry.find(name).tags(tags).meters().stream())
        .mapToDouble(meter -> meter.measure().iterator().next().getValue())
        .sum();
  }

  private static void awaitCount(String name, double atLeast, String... tags) {
    Cast.await(name + List.of(tags) + " reaches " + atLeast, () -> count(name, tags) >= atLeast);
  }

  // ---- the dashboard ----

  private static Map<?, ?> dashboard() throws IOException {
    JsonAdapter<Object> json = new Moshi.Builder().build().adapter(Object.class);
    return (Map<?, ?>)
        Objects.requireNonNull(
            json.fromJson(Files.readString(root().resolve("docs/grafana/mesh-native.json"))));
  }

  private static List<Map<?, ?>> maps(Object list) {
    List<Map<?, ?>> maps = new ArrayList<>();
    ((Collection<?>) list).forEach(each -> maps.add((Map<?, ?>) each));
    return maps;
  }

  private static List<Map<?, ?>> panels() throws IOException {
    return maps(dashboard().get("panels")).stream()
        .filter(panel -> !panel.get("type").equals("row"))
        .toList();
  }

  private static List<String> expressions() throws IOException {
    return panels().stream()
        .flatMap(panel -> maps(panel.get("targets")).stream())
        .map(target -> String.valueOf(target.get("expr")))
        .toList();
  }

  @Test
  void eachQueryAsksForMetricsAndLabelsThatExist() throws IOException {
    for (String expression : expressions()) {
      List<PromQl.Selector> selectors = PromQl.selectors(expression);
      assertThat(selectors).as(expression).isNotEmpty();
      for (PromQl.Selector selector : selectors) {
        assertThat(SCRAPED).as(expression).containsKey(selector.metric());
        assertThat(SCRAPED.get(selector.metric()).keySet())
            .as("labels of " + selector.metric() + " in " + expression)
            .containsAll(selector.labels());
      }
    }
  }

  @Test
  void eachValueThatAQueryComparesWithExists() throws IOException {
    Pattern matcher = Pattern.compile("(\\w+)(=~|!~|!=|=)\"([^\"$]*)\"");
    for (String expression : expressions()) {
      Matcher each = matcher.matcher(expression);
      while (each.find()) {
        String label = each.group(1);
        Set<String> values =
            PromQl.selectors(expression).stream()
                .map(selector -> SCRAPED.get(selector.metric()).getOrDefault(label, Set.of()))
                .flatMap(Set::stream)
                .collect(Collectors.toSet());
        assertThat(values).as(expression).containsAll(List.of(each.group(3).split("\\|")));
      }
    }
  }

  @Test
  void legendsNameOnlyLabelsThatTheirQueriesKeep() throws IOException {
    for (Map<?, ?> panel : panels()) {
      for (Map<?, ?> target : maps(panel.get("targets"))) {
        Set<String> kept =
            PromQl.selectors(String.valueOf(target.get("expr"))).stream()
                .flatMap(selector -> selector.labels().stream())
                .collect(Collectors.toSet());
        Matcher used =
            Pattern.compile("\\{\\{(\\w+)}}").matcher(String.valueOf(target.get("legendFormat")));
        while (used.find()) {
          assertThat(kept).as(panel.get("title") + "").contains(used.group(1));
        }
      }
    }
  }

  @Test
  void everyPanelExplainsItselfAndNoneCoversAnother() throws IOException {
    Set<String> cells = new TreeSet<>();
    Set<Object> ids = new java.util.HashSet<>();
    for (Map<?, ?> panel : maps(dashboard().get("panels"))) {
      assertThat(ids.add(panel.get("id"))).as("id " + panel.get("id")).isTrue();
      Map<?, ?> place = (Map<?, ?>) panel.get("gridPos");
      int x = number(place, "x");
      int y = number(place, "y");
      assertThat(x + number(place, "w")).isLessThanOrEqualTo(24);
      for (int column = x; column < x + number(place, "w"); column++) {
        for (int line = y; line < y + number(place, "h"); line++) {
          assertThat(cells.add(column + "," + line)).as(panel.get("title") + "").isTrue();
        }
      }
    }
    assertThat(panels())
        .allSatisfy(panel -> {
          assertThat((String) panel.get("title")).isNotBlank();
          assertThat((String) panel.get("description")).isNotBlank();
        });
  }

  private static int number(Map<?, ?> map, String key) {
    return ((Number) map.get(key)).intValue();
  }

  @Test
  void aQueryOfWhatDoesNotExistWouldBeNoticed() {
    assertThat(
            PromQl.selectors(
                "histogram_quantile(0.9, sum by (le) (rate(a_bucket{x=\"1\",y!=\"2\"}[5])))"
                    + " / max(b{z=~\"3|4\"})"))
        .containsExactly(
            new PromQl.Selector("a_bucket", Set.of("x", "y", "le")),
            new PromQl.Selector("b", Set.of("z")));
    for (String wrong :
        List.of(
            "sum(a", "rate(a)", "rate(a[5]", "a{b}", "a{b=c}", "a offset 5", "topk(a)(b)", "")) {
      assertThatThrownBy(() -> PromQl.selectors(wrong))
          .as(wrong)
          .isInstanceOf(RuntimeException.class);
    }
  }

  // ---- the table ----

  @Test
  void theTableOfMetersIsComplete() throws IOException {
    Map<String, TreeSet<String>> coded = new TreeMap<>();
    Map<String, String> kinds = new TreeMap<>();
    for (Meter meter : SIMPLE.getMeters()) {
      Meter.Id id = meter.getId();
      if (id.getName().endsWith(".histogram")) {
        continue; // this registry's own way to show the buckets of a timer
      }
      coded
          .computeIfAbsent(id.getName(), name -> new TreeSet<>())
          .addAll(id.getTags().stream().map(Tag::getKey).toList());
      kinds.put(id.getName(), id.getType().name().toLowerCase(Locale.ROOT));
    }
    coded.values().forEach(tags -> tags.remove("service"));
    // Told at the first occasion only, for want of one here.
    coded.put("mesh.updates.refused", new TreeSet<>(Set.of("source")));
    kinds.put("mesh.updates.refused", "counter");
    Map<String, TreeSet<String>> listed = new TreeMap<>();
    Map<String, String> listedKinds = new TreeMap<>();
    Matcher row = ROW.matcher(Files.readString(root().resolve("docs/operations.md")));
    while (row.find()) {
      TreeSet<String> tags = new TreeSet<>();
      Matcher tag = Pattern.compile("`([a-z]+)`").matcher(row.group(3));
      while (tag.find()) {
        tags.add(tag.group(1));
      }
      listed.put(row.group(1), tags);
      listedKinds.put(row.group(1), row.group(2).split(",")[0]);
    }
    assertThat(listed).isEqualTo(coded);
    assertThat(listedKinds).isEqualTo(kinds);
  }

  @Test
  void theValuesOfTagsAreThoseOfTheTable() throws IOException {
    String page = Files.readString(root().resolve("docs/operations.md"));
    for (String name :
        List.of(
            "mesh.dial",
            "mesh.handshake",
            "mesh.authorization",
            "mesh.connections.closed",
            "mesh.identity.rotations")) {
      Matcher row =
          Pattern.compile("(?m)^\\| `" + name + "` \\| [^|]* \\| ([^|]*) \\|").matcher(page);
      assertThat(row.find()).as(name).isTrue();
      String cell = row.group(1);
      SIMPLE.find(name).meters().stream()
          .flatMap(meter -> meter.getId().getTags().stream())
          .filter(tag -> !Set.of("service", "destination").contains(tag.getKey()))
          .forEach(tag ->
              assertThat(Arrays.asList(cell.split("[ ,`]+"))).as(name).contains(tag.getValue()));
    }
  }

  @Test
  void namesThatSomebodyMadeUpAreNoTimeSeries() {
    assertThat(
            SIMPLE.getMeters().stream()
                .flatMap(meter -> meter.getId().getTags().stream())
                .map(Tag::getValue))
        .contains("unknown")
        .noneMatch(value -> value.contains("made-up") || value.contains("spiffe"));
    assertThat(SIMPLE.get("mesh.dial").tags("destination", "db", "outcome", "connected").timer())
        .satisfies(timer -> {
          assertThat(timer.count()).isPositive();
          assertThat(timer.max(java.util.concurrent.TimeUnit.NANOSECONDS)).isPositive();
        });
    assertThat(
            SIMPLE
                .get("mesh.dial")
                .tags("destination", "unknown", "outcome", "failed")
                .timer()
                .count())
        .isEqualTo(1);
  }

  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.exists(at.resolve("mesh-native-bom/pom.xml"))) {
      at = Objects.requireNonNull(at.getParent(), "the source tree");
    }
    return at;
  }
}
