package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.meshnative.internal.transport.Notes.Note;
import io.meshnative.internal.transport.Stage.Cast;
import io.meshnative.internal.transport.Stage.Errand;
import io.meshnative.internal.transport.Stage.Role;
import io.meshnative.internal.transport.Stage.Side;
import io.meshnative.internal.transport.Stage.Threads;
import io.meshnative.internal.transport.Tls.Vendor;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Our sockets against the JDK's own as model and as peer: the same random script is played by two
 * JSSE sockets and by pairs in which one or both are ours, and applications must see the same, but
 * for {@link IntendedDifference}.
 *
 * <p>{@code -Dmesh.sockets.seed=n} plays other scripts, {@code -Dmesh.sockets.rounds=n} more of
 * them, three for every script in every cast. A failure names the script's seed and the ending.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SocketAgainstJsseTest {
  private static final long SEED = Long.getLong("mesh.sockets.seed", 1);
  private static final int ROUNDS = Integer.getInteger("mesh.sockets.rounds", 1);
  private static final int FEW_THOUSAND = 5_000;

  private record Play(String version, Threads threads, Script script) {}

  /** The model does not depend on whose engine it is compared with. */
  private static final Map<Play, List<Note>> MODELS = new ConcurrentHashMap<>();

  static Stream<Arguments> engines() {
    List<Arguments> all = new ArrayList<>();
    for (Threads threads : Threads.values()) {
      for (Vendor vendor : Vendor.values()) {
        for (String version : new String[] {"TLSv1.3", "TLSv1.2"}) {
          all.add(Arguments.of(vendor, version, threads));
        }
      }
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("engines")
  void applicationsSeeTheSameAsWithSocketsOfTheJdk(
      Vendor vendor, String version, Threads threads, TestReporter reporter) throws Exception {
    assumeVirtualThreads(threads);
    List<Cast> casts =
        List.of(
            new Cast(vendor, true, false, version),
            new Cast(vendor, false, true, version),
            new Cast(vendor, true, true, version));
    Set<IntendedDifference> shown = EnumSet.noneOf(IntendedDifference.class);
    int operations = 0;
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < Script.endings(); i++) {
        // Three rounds play the same scripts in all three casts.
        Script script = Script.random(SEED + round / 3 * Script.endings() + i, i);
        Cast cast = casts.get((i + round) % casts.size());
        Notes notes = new Notes();
        List<Note> model = model(version, threads, script);
        List<Note> seen = play(cast, threads, script, notes);
        compare(model, seen, cast, threads, script, shown);
        operations += notes.operations();
      }
    }
    reporter.publishEntry("operations", String.valueOf(operations));
    assertThat(operations).isGreaterThan(FEW_THOUSAND);
    if (SEED == 1) {
      Cast any = casts.get(0);
      assertThat(shown)
          .as("rows of the table that a script has shown")
          .containsExactlyInAnyOrderElementsOf(
              Stream.of(IntendedDifference.values())
                  .filter(row -> row.concerns(any, threads))
                  .toList());
    }
  }

  private static List<Note> model(String version, Threads threads, Script script) throws Exception {
    Play play = new Play(version, threads, script);
    List<Note> known = MODELS.get(play);
    if (known == null) {
      known = play(Cast.model(version), threads, script, new Notes());
      MODELS.put(play, known);
    }
    return known;
  }

  private static List<Note> play(Cast cast, Threads threads, Script script, Notes notes)
      throws Exception {
    List<SSLEngine> engines = new ArrayList<>();
    try (Stage stage = new Stage(cast, threads)) {
      for (Role role : Role.values()) {
        SSLEngine engine = stage.side(role).engine;
        if (engine != null) {
          engines.add(engine);
        }
      }
      Scene.play(script.scenes(), stage, notes);
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          cast + " on " + threads + " threads, after " + notes.all() + " of " + script, e);
    }
    for (SSLEngine engine : engines) {
      ChannelEndingTest.assertFreed(engine);
    }
    return notes.all();
  }

  private static void compare(
      List<Note> model,
      List<Note> seen,
      Cast cast,
      Threads threads,
      Script script,
      Set<IntendedDifference> shown) {
    assertThat(seen.stream().map(Note::what))
        .as("what was noted of %s", script)
        .isEqualTo(model.stream().map(Note::what).toList());
    for (int i = 0; i < model.size(); i++) {
      if (!model.get(i).equals(seen.get(i))) {
        IntendedDifference row =
            IntendedDifference.of(model.get(i), seen.get(i), cast, threads).orElse(null);
        assertThat(row)
            .as(
                "%s on %s threads: with JSSE's sockets [%s], with ours [%s], in %s",
                cast, threads, model.get(i), seen.get(i), script)
            .isNotNull();
        shown.add(row);
      }
    }
  }

  /**
   * Not compared: two JSSE sockets whose readers answer requests for new keys while their writers
   * write lose count of their records. Conscrypt cannot ask for new keys.
   */
  @ParameterizedTest
  @MethodSource("kindsOfThreads")
  void bothSidesMayChangeTheirKeysWhileBothDirectionsAreFull(Threads threads) throws Exception {
    assumeVirtualThreads(threads);
    byte[] sent = new byte[8 << 20];
    new Random(SEED).nextBytes(sent);
    try (Stage stage = new Stage(new Cast(Vendor.JSSE, true, true, "TLSv1.3"), threads)) {
      stage.shakeHands();
      List<Errand<Boolean>> writers = new ArrayList<>();
      for (Role role : Role.values()) {
        Side side = stage.side(role);
        writers.add(
            stage.begin(() -> {
              for (int at = 0; at < sent.length; at += 1 << 17) {
                side.rekey();
                side.out().write(sent, at, 1 << 17);
              }
              return true;
            }));
      }
      Stage.awaitFull(() -> writers.stream().allMatch(writer -> Stage.isInSocket(writer.thread)));
      List<Errand<byte[]>> readers = new ArrayList<>();
      for (Role role : Role.values()) {
        InputStream in = stage.side(role).in();
        readers.add(stage.begin(() -> in.readNBytes(sent.length)));
      }
      for (Errand<byte[]> reader : readers) {
        assertThat(reader.result()).isEqualTo(sent);
      }
      for (Errand<Boolean> writer : writers) {
        assertThat(writer.result()).isTrue();
      }
    }
  }

  static Stream<Threads> kindsOfThreads() {
    return Stream.of(Threads.values());
  }

  /**
   * A platform thread's handshake goes on, with its interrupt kept; a virtual thread's ends, as the
   * JDK closes the TCP socket under it. The same with JSSE's own sockets.
   */
  @ParameterizedTest
  @MethodSource("engines")
  void anInterruptedHandshakeEndsAsWithSocketsOfTheJdk(
      Vendor vendor, String version, Threads threads) throws Exception {
    assumeVirtualThreads(threads);
    for (Role role : Role.values()) {
      boolean client = role == Role.CLIENT;
      String ours = interruptedHandshake(new Cast(vendor, client, !client, version), role, threads);
      assertThat(ours).isEqualTo(interruptedHandshake(Cast.model(version), role, threads));
      assertThat(ours)
          .isEqualTo(
              threads == Threads.PLATFORM
                  ? "done, interrupted true"
                  : "closed here, interrupted true");
    }
  }

  private static String interruptedHandshake(Cast cast, Role role, Threads threads)
      throws Exception {
    try (Stage stage = new Stage(cast, threads)) {
      Side side = stage.side(role);
      Errand<String> handshake =
          stage.begin(() -> {
            String how =
                Notes.outcome(() -> {
                  side.socket.startHandshake();
                  return "done";
                });
            return how + ", interrupted " + Thread.interrupted();
          });
      Stage.awaitBlocked(handshake);
      handshake.thread.interrupt();
      if (threads == Threads.PLATFORM) {
        stage.begin(() -> {
          try {
            stage.side(role.other()).socket.startHandshake();
          } catch (IOException e) {
            return false; // its peer tells
          }
          return true;
        });
      }
      String how = handshake.result();
      if (side.engine != null && threads == Threads.VIRTUAL) {
        ChannelEndingTest.assertFreed(side.engine);
      }
      return how;
    }
  }

  private static void assumeVirtualThreads(Threads threads) {
    assumeTrue(
        threads == Threads.PLATFORM || Runtime.version().feature() >= 21,
        "virtual threads came with JDK 21");
  }
}
