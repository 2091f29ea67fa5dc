package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Captured exchanges in an order that makes the same state as the real agent had, to be played to a
 * plane. A file of lines:
 *
 * <pre>
 * agent 1.10.3 acls=deny streaming=off    which plane; always the first line, options as in {@link
 *                                         #play}
 * # why the next lines are as they are
 * some-exchange                           is sent; the answer is as captured
 * blocked some-exchange                   is sent, and the plane holds it
 * woken some-exchange                     what was held is answered, as captured
 * briefly some-exchange                   is sent to wait a little only, and the plane holds it
 * unwoken some-exchange                   what was held so is answered, as captured, at the old index
 * timeout some-exchange                   is sent to wait a moment only, answered as captured
 * part some-exchange                      whose captured body was cut; what is left is compared
 * ! PUT /v1/config {"Kind":...}           was not captured, but made the state; succeeds
 * ? /v1/agent/connect/ca/roots            was asked before, so that caches are warm
 * token &lt;captured&gt; identity billing        makes a token and knows it by the captured secret
 * token &lt;captured&gt; rules service "x" { policy = "write" }
 * destroy &lt;captured&gt;
 * fault no-leader | rate-limit | signing-limit | reconfiguring | none
 * </pre>
 */
final class Session {
  private static final String A_MOMENT = "100ms";
  private static final String A_WHILE = "500ms";
  private static final Pattern INDEX = Pattern.compile("([?&]index=)(\\d+)");

  private final Path file;
  private final List<String> lines;
  private final String[] agent;

  private Session(Path file) {
    this.file = file;
    try {
      this.lines =
          Files.readAllLines(file).stream()
              .map(String::strip)
              .filter(line -> !line.isEmpty() && !line.startsWith("#"))
              .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.agent = lines.get(0).split(" ");
    if (!agent[0].equals("agent")) {
      throw new AssertionError(file + " starts with " + lines.get(0) + ", not with an agent");
    }
  }

  static List<Session> all() {
    try (Stream<Path> files = Files.list(Captured.resource("/captured/sessions"))) {
      return files.sorted().map(Session::new).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String version() {
    return agent[1];
  }

  /** The exchanges whose answers are compared. */
  List<String> exchanges() {
    return lines.stream()
        .skip(1)
        .map(line -> line.split(" ", 3))
        .filter(words ->
            words.length == 1 || List.of("woken", "unwoken", "timeout", "part").contains(words[0]))
        .map(words -> words[words.length - 1])
        .toList();
  }

  @Override
  public String toString() {
    return file.getFileName().toString();
  }

  /**
   * Plays it.
   *
   * @param differences takes each difference with the name of its exchange
   */
  void play(BiConsumer<String, String> differences) {
    EmbeddedControlPlane.Builder builder =
        EmbeddedControlPlane.builder().leafJitter(Duration.ZERO).token(MANAGEMENT.get(version()));
    for (int i = 1; i < agent.length; i++) {
      switch (agent[i]) {
        case "1.8.7" -> builder.mimic(ConsulVersion.V1_8);
        case "1.10.3" -> builder.mimic(ConsulVersion.V1_10);
        case "acls=deny" -> builder.acls(true).defaultAllow(false);
        case "acls=allow" -> builder.acls(true);
        case "acls=off,deny" -> builder.ignoredDefaultDeny(true);
        case "streaming=off" -> builder.streaming(false);
        case "rotation-defect" -> builder.mimicRotationDefect(true);
        default -> {
          if (!agent[i].startsWith("clock=")) {
            throw new AssertionError("no such option of an agent: " + agent[i]);
          }
          Instant now = Instant.parse(agent[i].substring("clock=".length()));
          builder.clock(Clock.fixed(now, ZoneOffset.UTC));
        }
      }
    }
    try (EmbeddedControlPlane plane = builder.start()) {
      Player player = new Player(plane, version(), differences);
      lines.stream().skip(1).forEach(player::play);
    }
  }

  private static final Map<String, String> MANAGEMENT =
      Map.of(
          "1.8.7", "11111111-1111-1111-1111-111111111111",
          "1.10.3", "11111111-2222-3333-4444-555555555555");

  private static final class Player {
    private final EmbeddedControlPlane plane;
    private final String version;
    private final BiConsumer<String, String> differences;

    /** Captured ids, secrets and hashes, and what they are here. */
    private final Map<String, String> learned = new HashMap<>();

    /** Captured indexes, and what they are here. */
    private final Map<String, String> indexes = new HashMap<>();

    private final Map<String, CompletableFuture<Agent.Answer>> blocked = new HashMap<>();
    private final Map<String, String> asked = new HashMap<>();

    Player(EmbeddedControlPlane plane, String version, BiConsumer<String, String> differences) {
      this.plane = plane;
      this.version = version;
      this.differences = differences;
    }

    void play(String line) {
      String[] words = line.split(" ", 4);
      switch (words[0]) {
        case "!" -> {
          Agent.Answer answer =
              new Agent(plane)
                  .withToken(plane.token())
                  .call(words[1], words[2], words.length > 3 ? words[3] : null);
          if (answer.status() != 200) {
            throw new AssertionError(line + " was answered with " + answer);
          }
        }
        case "?" -> new Agent(plane).get(words[1]);
        case "token" ->
            learned.put(
                words[1],
                words[2].equals("identity")
                    ? plane.serviceToken(words[3])
                    : plane.tokenWithRules(words.length > 3 ? words[3] : ""));
        case "destroy" -> plane.destroyToken(here(words[1]));
        case "fault" -> fault(words[1]);
        case "blocked" -> {
          Captured captured = Captured.load(version, words[1]);
          blocked.put(captured.name(), agent(captured).blocked(path(captured)));
        }
        case "briefly" -> {
          Captured captured = Captured.load(version, words[1]);
          String path = path(captured).replaceFirst("wait=[^&]+", "wait=" + A_WHILE);
          Matcher index = INDEX.matcher(path);
          assertThat(index.find()).isTrue();
          asked.put(captured.name(), index.group(2));
          blocked.put(captured.name(), agent(captured).blocked(path));
        }
        case "unwoken" -> {
          Captured captured = Captured.load(version, words[1]);
          Agent.Answer answer = Agent.done(blocked.remove(captured.name()));
          compare(captured, answer, false);
          if (!answer.header("X-Consul-Index").equals(asked.get(captured.name()))) {
            differences.accept(
                captured.name(),
                "was woken: asked at %s, answered at %s"
                    .formatted(asked.get(captured.name()), answer.header("X-Consul-Index")));
          }
        }
        case "woken" -> {
          Captured captured = Captured.load(version, words[1]);
          compare(captured, Agent.done(blocked.remove(captured.name())), false);
        }
        case "timeout" -> {
          Captured captured = Captured.load(version, words[1]);
          String path = path(captured).replaceFirst("wait=[^&]+", "wait=" + A_MOMENT);
          compare(captured, agent(captured).get(path), false);
        }
        case "part" -> {
          Captured captured = Captured.load(version, words[1]);
          compare(captured, agent(captured).get(path(captured)), true);
        }
        default -> {
          Captured captured = Captured.load(version, line);
          String body = captured.requestBody();
          compare(
              captured,
              agent(captured)
                  .call(captured.method(), path(captured), body == null ? null : here(body)),
              false);
        }
      }
    }

    private void fault(String name) {
      switch (name) {
        case "no-leader" -> plane.faults().noLeader(true);
        case "rate-limit" -> plane.faults().rateLimit(true);
        case "signing-limit" -> plane.faults().signingLimit(true);
        case "reconfiguring" -> plane.faults().caReconfiguring(true);
        case "none" ->
            plane
                .faults()
                .noLeader(false)
                .rateLimit(false)
                .signingLimit(false)
                .caReconfiguring(false);
        default -> throw new AssertionError("no such fault: " + name);
      }
    }

    private void compare(Captured captured, Agent.Answer answer, boolean cut) {
      for (String difference : Likeness.differences(captured, answer, learned, cut)) {
        differences.accept(captured.name(), difference);
      }
      String index = captured.headers().get("X-Consul-Index");
      if (index != null && captured.status() == 200) {
        indexes.put(index, answer.header("X-Consul-Index"));
      }
    }

    private Agent agent(Captured captured) {
      Agent agent = new Agent(plane);
      for (Map.Entry<String, String> header : captured.requestHeaders().entrySet()) {
        agent = agent.and(header.getKey(), here(header.getValue()));
      }
      return agent;
    }

    /** The text with what was captured in it replaced by what it is here. */
    private String here(String text) {
      String replaced = text;
      for (Map.Entry<String, String> pair : learned.entrySet()) {
        replaced = replaced.replace(pair.getKey(), pair.getValue());
      }
      return replaced;
    }

    /** The path, with an index that means here what the captured one meant there. */
    private String path(Captured captured) {
      String path = here(captured.path());
      Matcher matcher = INDEX.matcher(path);
      if (!matcher.find() || matcher.group(2).equals("1")) {
        return path;
      }
      String index = indexes.get(matcher.group(2));
      if (index == null) {
        String fresh = present(captured, path);
        boolean beyond = matcher.group(2).matches("99999999|1067");
        index = beyond ? Long.toString(Long.parseLong(fresh) + 1000) : fresh;
      }
      return matcher.replaceFirst(Matcher.quoteReplacement(matcher.group(1) + index));
    }

    private String present(Captured captured, String path) {
      String plain = path.replaceAll("[?&](index|wait)=[^&]*", "").replaceFirst("&", "?");
      boolean unnumbered = version.equals("1.8.7") && plain.contains("/intentions/match");
      Agent.@Nullable Answer answer =
          agent(captured)
              .get(
                  unnumbered ? "/v1/connect/intentions" : plain.replaceFirst("\\?(.*)\\?", "?$1&"));
      return answer.header("X-Consul-Index");
    }
  }
}
