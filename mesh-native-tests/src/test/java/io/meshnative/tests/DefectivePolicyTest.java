package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.intention.Decision;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import io.meshnative.testkit.MeshTestAuthority;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A rule that cannot be compiled, among others that can: its destination is denied to everybody,
 * and somebody is told, until it is corrected.
 */
@Timeout(120)
@Tag("T23")
class DefectivePolicyTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();

  private static Intention layer7(
      Optional<Permission.PathCondition> path,
      List<Permission.HeaderCondition> headers,
      String... defects) {
    return new Intention(
        new Intention.Source("", "default", "default", "web"),
        new Intention.Destination("default", "default", "db"),
        Optional.empty(),
        List.of(new Permission(Intention.Action.DENY, path, headers, List.of(), false)),
        9,
        false,
        "",
        List.of(defects));
  }

  static Stream<Arguments> defects() {
    Permission.HeaderCondition expression =
        new Permission.HeaderCondition("x-role", Permission.HeaderKind.REGEX, "[", false, false);
    Permission.HeaderCondition name =
        new Permission.HeaderCondition("x role", Permission.HeaderKind.PRESENT, "", false, false);
    return Stream.of(
        Arguments.of(
            "an expression for the path",
            layer7(
                Optional.of(new Permission.PathCondition(Permission.PathKind.REGEX, "(")),
                List.of())),
        Arguments.of(
            "a path that no request has",
            layer7(
                Optional.of(new Permission.PathCondition(Permission.PathKind.PREFIX, "admin")),
                List.of())),
        Arguments.of("an expression for a header", layer7(Optional.empty(), List.of(expression))),
        Arguments.of("the name of a header", layer7(Optional.empty(), List.of(name))),
        Arguments.of(
            "an unknown field",
            layer7(Optional.empty(), List.of(), "the field Permissions[0].HTTP.Query is unknown")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("defects")
  void everybodyIsDeniedAndSomebodyIsTold(String what, Intention defective) throws Exception {
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "db");
    HttpRequestView request = HttpRequestView.of("GET", "/", List.of("db"), Map.of());
    List<MeshEvent.PolicyChanged> heard = new CopyOnWriteArrayList<>();
    String service = "db";
    Lines lines = new Lines();
    try (lines;
        MeshClient db =
            MeshClient.builder(service)
                .controlPlane(plane)
                .listener(event -> {
                  if (event instanceof MeshEvent.PolicyChanged changed) {
                    heard.add(changed);
                  }
                })
                .build()) {
      db.awaitReady(Duration.ofSeconds(60));
      assertThat(db.explain("batch", request).isAllowed()).isTrue();

      plane.intentions(
          FakeControlPlane.update(
              DefaultDecision.ALLOW, FakeControlPlane.allow("batch", "db"), defective));

      for (String source : List.of("web", "batch", "anybody")) {
        for (Decision decision : List.of(db.explain(source), db.explain(source, request))) {
          assertThat(((Decision.Denied) decision).cause())
              .isEqualTo(Decision.Cause.DEFECTIVE_POLICY);
        }
      }
      String defect = db.snapshot().policyDefect().orElseThrow();
      assertThat(defect).contains("until its intention default/web => default/db");
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> heard.stream().anyMatch(e -> e.defect().equals(Optional.of(defect))));
      assertThat(lines.seen)
          .anySatisfy(line -> {
            assertThat(line.getLevel()).isEqualTo(Level.WARNING);
            assertThat(text(line)).contains("EVERYTHING IS DENIED: " + defect);
          });

      plane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
      assertThat(db.explain("batch", request).isAllowed()).isTrue();
      assertThat(db.snapshot().policyDefect()).isEmpty();
    }
  }

  private static String text(LogRecord line) {
    return new SimpleFormatter().formatMessage(line);
  }

  /** What the library logs, on the thread that publishes: it is there when a push returns. */
  private static final class Lines extends Handler implements AutoCloseable {
    private final Logger logger = Logger.getLogger("io.meshnative");
    private final List<LogRecord> seen = new CopyOnWriteArrayList<>();

    private final @Nullable Level before = logger.getLevel();

    Lines() {
      logger.setLevel(Level.ALL); // another class of this JVM may have silenced it
      logger.addHandler(this);
    }

    @Override
    public void publish(LogRecord line) {
      seen.add(line);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      logger.removeHandler(this);
      logger.setLevel(before);
    }
  }
}
