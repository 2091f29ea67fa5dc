package io.meshnative.internal.transport;

import io.meshnative.internal.transport.Notes.Note;
import io.meshnative.internal.transport.Stage.Errand;
import io.meshnative.internal.transport.Stage.Role;
import io.meshnative.internal.transport.Stage.Side;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * A piece of a script: what some threads do to a pair of sockets. What its notes say depends on the
 * sockets alone, never on time or on which thread was first.
 */
sealed interface Scene {
  void play(Stage stage, Notes notes) throws Exception;

  /** A side writes in steps of any sizes, the other reads in steps of any sizes. */
  record Send(Role from, int bytes, int largestStep, long seed) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      byte[] sent = data(bytes, seed);
      Errand<Integer> writer = stage.begin(() -> write(stage.side(from), this, sent));
      notes.add(from.other() + " reads", received(stage.side(from.other()), this, sent, notes));
      notes.counts(writer.result());
    }
  }

  /** Both sides write and read at once. */
  record Duplex(int bytes, int largestStep, long seed) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      byte[] sent = data(bytes, seed);
      Send steps = new Send(Role.CLIENT, bytes, largestStep, seed);
      List<Errand<Integer>> writers = new ArrayList<>();
      for (Role role : Role.values()) {
        writers.add(stage.begin(() -> write(stage.side(role), steps, sent)));
      }
      Errand<String> reader =
          stage.begin(() -> received(stage.side(Role.CLIENT), steps, sent, notes));
      notes.add("server reads", received(stage.side(Role.SERVER), steps, sent, notes));
      notes.add("client reads", reader.result());
      for (Errand<Integer> writer : writers) {
        notes.counts(writer.result());
      }
    }
  }

  /** Both writers are stuck in full buffers before anybody reads. */
  record Jam(int bytes, long seed) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      byte[] sent = data(bytes, seed);
      Send steps = new Send(Role.CLIENT, bytes, bytes, seed);
      List<Errand<Integer>> writers = new ArrayList<>();
      for (Role role : Role.values()) {
        writers.add(stage.begin(() -> write(stage.side(role), steps, sent)));
      }
      Stage.awaitFull(() ->
          writers.stream().allMatch(writer -> !writer.isDone() && Stage.isInSocket(writer.thread)));
      Errand<String> reader =
          stage.begin(() -> received(stage.side(Role.CLIENT), steps, sent, notes));
      notes.add("server reads", received(stage.side(Role.SERVER), steps, sent, notes));
      notes.add("client reads", reader.result());
      for (Errand<Integer> writer : writers) {
        notes.counts(writer.result());
      }
    }
  }

  /** Several threads write one side's stream, several read the other's. */
  record Crowd(Role from, int threads, int bytesEach, long seed) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      List<Errand<Integer>> writers = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        byte[] own = new byte[bytesEach];
        Arrays.fill(own, (byte) i);
        Send steps = new Send(from, bytesEach, 3000, seed + i);
        writers.add(stage.begin(() -> write(stage.side(from), steps, own)));
      }
      AtomicInteger left = new AtomicInteger(threads * bytesEach);
      AtomicIntegerArray seen = new AtomicIntegerArray(threads);
      List<Errand<Integer>> readers = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        readers.add(
            stage.begin(() -> {
              InputStream in = stage.side(from.other()).in();
              int calls = 0;
              // Nobody asks for more than is still to come, so nobody is left waiting.
              for (int mine = left.getAndUpdate(n -> n - Math.min(n, 700));
                  mine > 0;
                  mine = left.getAndUpdate(n -> n - Math.min(n, 700))) {
                for (byte value : in.readNBytes(Math.min(mine, 700))) {
                  seen.incrementAndGet(value);
                }
                calls++;
              }
              return calls;
            }));
      }
      for (Errand<Integer> errand : writers) {
        notes.counts(errand.result());
      }
      for (Errand<Integer> errand : readers) {
        notes.counts(errand.result());
      }
      notes.add(from.other() + " reads from each writer", seen);
    }
  }

  /**
   * A side changes its keys and asks the other for the same. One byte each way takes both to their
   * new keys: a JSSE socket whose reader answers such a request while its writer writes loses count
   * of its records.
   */
  record Rekey(Role by) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      notes.run(by + " changes its keys", () -> stage.side(by).rekey());
      stage.side(by).out().write(1);
      notes.call(by.other() + " reads under new keys", () -> stage.side(by.other()).in().read());
      stage.side(by.other()).out().write(2);
      notes.call(by + " reads under new keys", () -> stage.side(by).in().read());
    }
  }

  /** A read with a timeout while nothing is on its way. */
  record SilentRead(Role by, int millis) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) {
      Side side = stage.side(by);
      notes.run(by + " sets a timeout", () -> side.socket.setSoTimeout(millis));
      notes.call(by + " reads with nobody writing", () -> side.in().read());
      notes.run(by + " drops the timeout", () -> side.socket.setSoTimeout(0));
      notes.add(by + " is closed", side.socket.isClosed());
    }
  }

  /** A read times out in mid-record, twice, and goes on. */
  record MidRecord(Role from, int bytes, int first, long seed) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side reader = stage.side(from.other());
      byte[] sent = data(bytes, seed);
      Relay wire = stage.wireTo(from.other());
      wire.meter();
      stage.side(from).out().write(sent);
      reader.socket.setSoTimeout(15);
      wire.let(first);
      notes.call(from.other() + " reads a part of a record", () -> reader.in().read());
      wire.let(1);
      notes.call(from.other() + " reads a larger part of it", () -> reader.in().read());
      wire.letAll();
      reader.socket.setSoTimeout(0);
      notes.add(
          from.other() + " reads the rest",
          Notes.outcome(() -> Arrays.equals(reader.in().readNBytes(bytes), sent)));
    }
  }

  /** What can be read without waiting, once a first byte was taken. */
  record Available(Role at, int bytes, int skip) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side side = stage.side(at);
      notes.call(at + " has available, with nobody writing", () -> side.in().available());
      stage.side(at.other()).out().write(new byte[bytes]);
      notes.call(at + " reads one byte", () -> side.in().read());
      notes.call(at + " has available", () -> side.in().available());
      notes.call(at + " skips", () -> side.in().skip(skip));
      notes.call(at + " skips nothing", () -> side.in().skip(0));
      notes.call(at + " skips backwards", () -> side.in().skip(-1));
      notes.call(at + " has available after that", () -> side.in().available());
      notes.call(at + " reads the rest", () -> side.in().readNBytes(bytes - 1 - skip).length);
    }
  }

  /** Calls that move no byte, and calls with wrong arguments. */
  record Trifles(Role by) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) {
      Side side = stage.side(by);
      notes.run(by + " writes nothing", () -> side.out().write(new byte[0]));
      notes.run(by + " writes nothing at an offset", () -> side.out().write(new byte[3], 3, 0));
      notes.run(by + " flushes", () -> side.out().flush());
      notes.call(by + " reads nothing", () -> side.in().read(new byte[0]));
      notes.call(by + " reads to a wrong offset", () -> side.in().read(new byte[3], 2, 2));
      notes.call(by + " reads a negative length", () -> side.in().read(new byte[3], 0, -1));
      notes.call(by + " reads to null", () -> side.in().read(null, 0, 1));
      notes.run(by + " writes from a wrong offset", () -> side.out().write(new byte[3], 2, 2));
      notes.run(by + " writes null", () -> side.out().write(null, 0, 1));
      notes.call(by + " supports marks", () -> side.in().markSupported());
      notes.run(by + " resets to a mark", () -> side.in().reset());
      notes.run(by + " sets a negative timeout", () -> side.socket.setSoTimeout(-1));
      notes.run(by + " sends urgent data", () -> side.socket.sendUrgentData(1));
    }
  }

  /** Options of the connection. */
  record Options(Role by, boolean value, int number) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) {
      Socket socket = stage.side(by).socket;
      Socket raw = stage.side(by).raw;
      notes.call(
          by + " knows both ends",
          () ->
              Objects.equals(socket.getRemoteSocketAddress(), raw.getRemoteSocketAddress())
                  && Objects.equals(socket.getLocalSocketAddress(), raw.getLocalSocketAddress())
                  && Objects.equals(socket.getInetAddress(), raw.getInetAddress())
                  && Objects.equals(socket.getLocalAddress(), raw.getLocalAddress())
                  && socket.getPort() == raw.getPort()
                  && socket.getLocalPort() == raw.getLocalPort());
      notes.call(
          by + " sets TCP_NODELAY",
          () -> {
            socket.setTcpNoDelay(value);
            return socket.getTcpNoDelay();
          });
      notes.call(
          by + " sets SO_KEEPALIVE",
          () -> {
            socket.setKeepAlive(value);
            return socket.getKeepAlive();
          });
      notes.call(
          by + " sets SO_LINGER",
          () -> {
            socket.setSoLinger(true, number);
            int set = socket.getSoLinger();
            socket.setSoLinger(false, 0);
            return set + ", then " + socket.getSoLinger();
          });
      notes.call(
          by + " sets SO_TIMEOUT",
          () -> {
            socket.setSoTimeout(number);
            int set = socket.getSoTimeout();
            socket.setSoTimeout(0);
            return set;
          });
      notes.call(by + " has OOBINLINE", socket::getOOBInline);
      notes.call(by + " has a channel", socket::getChannel);
      notes.run(by + " connects again", () -> socket.connect(socket.getRemoteSocketAddress(), 10));
      notes.run(by + " binds again", () -> socket.bind(null));
      notes.add(by + " is connected, bound", socket.isConnected() + ", " + socket.isBound());
    }
  }

  /** What a side says of its session. */
  record Session(Role by) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) {
      Side side = stage.side(by);
      notes.call(by + "'s protocol", () -> side.socket.getSession().getProtocol());
      notes.call(by + "'s session is valid", () -> side.socket.getSession().isValid());
      notes.call(
          by + "'s suite is of the enabled ones",
          () ->
              List.of(side.socket.getEnabledCipherSuites())
                  .contains(side.socket.getSession().getCipherSuite()));
      notes.call(by + "'s peer", () -> side.socket.getSession().getPeerCertificates().length);
      notes.call(by + " itself", () -> side.socket.getSession().getLocalCertificates().length);
      notes.call(by + "'s handshake session", () -> side.socket.getHandshakeSession());
      notes.call(by + "'s application protocol", () -> side.socket.getApplicationProtocol());
      notes.call(by + " is the client", () -> side.socket.getUseClientMode());
      notes.run(
          by + " changes sides",
          () -> side.socket.setUseClientMode(!side.socket.getUseClientMode()));
      notes.call(by + " needs a certificate", () -> side.socket.getNeedClientAuth());
      notes.run(
          by + " removes a listener that it has not",
          () -> side.socket.removeHandshakeCompletedListener(event -> {}));
    }
  }

  // ---- endings: a script has one, at its end ----

  /** What is left of a socket. */
  private static void aftermath(Side side, Notes notes, String when) {
    Role by = side.role;
    notes.add(by + " is closed" + when, side.socket.isClosed());
    notes.add(
        by + " is connected, bound" + when,
        side.socket.isConnected() + ", " + side.socket.isBound());
    notes.call(by + " reads" + when, () -> side.in().read());
    notes.call(by + " reads again" + when, () -> side.in().read());
  }

  private static void afterClose(Side side, Notes notes) {
    Role by = side.role;
    aftermath(side, notes, " after its close");
    notes.run(by + " writes after its close", () -> side.out().write(1));
    notes.call(by + " has available after its close", () -> side.in().available());
    notes.run(by + " asks for its input after its close", () -> side.socket.getInputStream());
    notes.run(by + " asks for its output after its close", () -> side.socket.getOutputStream());
    notes.run(by + " sets a timeout after its close", () -> side.socket.setSoTimeout(1));
    notes.run(by + " shuts its output after its close", () -> side.socket.shutdownOutput());
    notes.run(by + " shuts its input after its close", () -> side.socket.shutdownInput());
    notes.run(by + " handshakes after its close", () -> side.socket.startHandshake());
    notes.run(by + " closes again", () -> side.socket.close());
    notes.call(
        by + " knows its peer after its close",
        () ->
            Objects.equals(side.socket.getRemoteSocketAddress(), side.raw.getRemoteSocketAddress())
                && side.socket.getPort() == side.raw.getPort());
    notes.call(by + " reads an option after its close", () -> side.socket.getTcpNoDelay());
    notes.call(by + "'s protocol after its close", () -> side.socket.getSession().getProtocol());
  }

  /** A side closes; the other reads to the end. */
  record Close(Role by, int lastBytes) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side closer = stage.side(by);
      Side other = stage.side(by.other());
      closer.out().write(new byte[lastBytes]);
      Errand<String> reader =
          stage.begin(() -> Notes.outcome(() -> other.in().readAllBytes().length));
      notes.run(by + " closes", () -> closer.socket.close());
      notes.add(by.other() + " reads to the end", reader.result());
      aftermath(other, notes, " after the end");
      notes.call(by.other() + " has available after the end", () -> other.in().available());
      notes.run(by.other() + " closes", () -> other.socket.close());
      afterClose(closer, notes);
      afterClose(other, notes);
    }
  }

  /** A side ends its output; the other answers, as far as the version lets it. */
  record HalfClose(Role by, int answer, long seed) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side half = stage.side(by);
      Side other = stage.side(by.other());
      half.out().write(7);
      notes.run(by + " shuts its output", () -> half.socket.shutdownOutput());
      notes.add(by + "'s output is shut", half.socket.isOutputShutdown());
      notes.add(by + " is closed by that", half.socket.isClosed());
      notes.run(by + " writes to its shut output", () -> half.out().write(1));
      notes.run(by + " asks for its shut output", () -> half.socket.getOutputStream());
      notes.call(by.other() + " reads the last byte", () -> other.in().read());
      notes.call(by.other() + " reads the end", () -> other.in().read());
      notes.add(by.other() + " is closed by the end", other.socket.isClosed());
      Errand<String> writer =
          stage.begin(() ->
              Notes.outcome(() -> {
                other.out().write(data(answer, seed));
                return "done";
              }));
      Errand<String> reader =
          stage.begin(() ->
              Notes.outcome(() -> Arrays.equals(half.in().readNBytes(answer), data(answer, seed))));
      String written = writer.result();
      notes.add(by.other() + " answers", written);
      notes.run(by.other() + " shuts its output too", () -> other.socket.shutdownOutput());
      notes.add(by + " reads the answer", reader.result());
      notes.call(by + " reads the end", () -> half.in().read());
      notes.run(by + " closes", () -> half.socket.close());
      notes.run(by.other() + " closes", () -> other.socket.close());
      afterClose(half, notes);
    }
  }

  /** A side wants no more input, before the peer has said its last. */
  record ShutInput(Role by) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side side = stage.side(by);
      notes.run(by + " shuts its input", () -> side.socket.shutdownInput());
      notes.add(by + "'s input is shut", side.socket.isInputShutdown());
      notes.call(by + " reads its shut input", () -> side.in().read());
      notes.run(by + " asks for its shut input", () -> side.socket.getInputStream());
      notes.run(by + " closes", () -> side.socket.close());
      afterClose(side, notes);
    }
  }

  /** A side wants no more input, after the peer has said its last. */
  record ShutInputAfterEnd(Role by) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side side = stage.side(by);
      stage.side(by.other()).socket.shutdownOutput();
      notes.call(by + " reads the end", () -> side.in().read());
      notes.run(by + " shuts its ended input", () -> side.socket.shutdownInput());
      notes.add(by + "'s ended input is shut", side.socket.isInputShutdown());
      notes.call(by + " reads its shut, ended input", () -> side.in().read());
      notes.run(by + " closes", () -> side.socket.close());
      afterClose(side, notes);
    }
  }

  /** A side closes while its own threads are blocked. */
  record CloseUnderway(Role by, boolean writing) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side side = stage.side(by);
      Errand<String> reader = stage.begin(() -> Notes.outcome(() -> side.in().read()));
      Errand<String> writer = null;
      Stage.awaitBlocked(reader);
      if (writing) {
        Errand<String> endless = stage.begin(() -> Notes.outcome(() -> writeForEver(side)));
        Stage.awaitFull(() -> Stage.isInSocket(endless.thread));
        side.socket.setSoLinger(true, 0); // or JSSE waits for its writer before it closes
        writer = endless;
      }
      notes.run(by + " closes with its threads blocked", () -> side.socket.close());
      notes.add(by + "'s blocked read", ended(reader.result()));
      if (writer != null) {
        notes.add(by + "'s blocked write", ended(writer.result()));
      }
      notes.add(by + " is closed after its close", side.socket.isClosed());
      notes.call(by + " reads after that", () -> ended(Notes.outcome(() -> side.in().read())));
    }
  }

  /** Both sides close at once. */
  record CloseBoth() implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      List<Errand<String>> closers = new ArrayList<>();
      for (Role role : Role.values()) {
        for (int i = 0; i < 2; i++) {
          closers.add(
              stage.begin(() ->
                  Notes.outcome(() -> {
                    stage.side(role).socket.close();
                    return "done";
                  })));
        }
      }
      for (Errand<String> closer : closers) {
        notes.add("one of four closes", closer.result());
      }
      for (Role role : Role.values()) {
        afterClose(stage.side(role), notes);
      }
    }
  }

  /** How the wire can end or spoil a connection. */
  enum Mishap {
    RESET,
    END,
    END_IN_MID_RECORD,
    FORGED_RECORD
  }

  /** The wire fails; the side that it fails reads. */
  record Failure(Mishap mishap, Role victim) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side side = stage.side(victim);
      Side other = stage.side(victim.other());
      other.out().write(9); // whoever has heard its peer cannot be refused any more
      notes.call(victim + " reads", () -> side.in().read());
      Errand<String> reader = stage.begin(() -> Notes.outcome(() -> side.in().read()));
      Stage.awaitBlocked(reader);
      switch (mishap) {
        case RESET -> {
          side.wireEnd.setSoLinger(true, 0);
          side.wireEnd.close();
        }
        case END -> side.wireEnd.shutdownOutput();
        case END_IN_MID_RECORD -> {
          stage.wireTo(victim).meter();
          stage.wireTo(victim).let(20);
          other.out().write(new byte[5000]);
          stage.wireTo(victim).awaitLet();
          side.wireEnd.shutdownOutput();
        }
        case FORGED_RECORD -> {
          byte[] forged = new byte[105];
          forged[0] = 23;
          forged[1] = 3;
          forged[2] = 3;
          forged[4] = 100;
          side.wireEnd.getOutputStream().write(forged);
        }
      }
      String when = " after " + mishap;
      notes.add(victim + "'s blocked read" + when, reader.result());
      aftermath(side, notes, when);
      notes.run(victim + " writes" + when, () -> side.out().write(1));
      if (mishap == Mishap.FORGED_RECORD) {
        notes.call(victim.other() + " reads" + when, () -> other.in().read());
      }
      notes.run(victim + " closes", () -> side.socket.close());
      notes.add(victim + " is closed after its close", side.socket.isClosed());
    }
  }

  /** A thread is interrupted in a blocked read, or just before one; then the byte comes. */
  record InterruptedRead(Role by) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side side = stage.side(by);
      stage.side(by.other()).out().write(8);
      notes.call(by + " reads", () -> side.in().read());
      Errand<String> reader =
          stage.begin(() -> {
            String read = Notes.outcome(() -> side.in().read());
            return read + ", interrupted " + Thread.interrupted();
          });
      Stage.awaitBlocked(reader);
      reader.thread.interrupt();
      if (stage.threads == Stage.Threads.PLATFORM) {
        stage.side(by.other()).out().write(9);
      }
      notes.add(by + "'s interrupted read", reader.result());
      notes.add(by + " is closed by the interrupt", side.socket.isClosed());
      notes.run(by + " writes after the interrupt", () -> side.out().write(1));
      notes.run(by + " closes", () -> side.socket.close());
      afterClose(side, notes);
    }
  }

  /** A thread is interrupted in a blocked write; then the peer reads. */
  record InterruptedWrite(Role by, int bytes) implements Scene {
    @Override
    public void play(Stage stage, Notes notes) throws Exception {
      Side side = stage.side(by);
      Errand<String> writer =
          stage.begin(() -> {
            String written =
                Notes.outcome(() -> {
                  side.out().write(new byte[bytes]);
                  return "done";
                });
            return written + ", interrupted " + Thread.interrupted();
          });
      Stage.awaitFull(() -> Stage.isInSocket(writer.thread));
      writer.thread.interrupt();
      if (stage.threads == Stage.Threads.PLATFORM) {
        notes.call(
            by.other() + " reads it all",
            () -> stage.side(by.other()).in().readNBytes(bytes).length);
      }
      notes.add(by + "'s interrupted write", writer.result());
      notes.add(by + " is closed by the interrupt", side.socket.isClosed());
      notes.run(by + " writes after the interrupt", () -> side.out().write(1));
      notes.run(by + " closes", () -> side.socket.close());
      afterClose(side, notes);
    }
  }

  // ---- steps ----

  /** JSSE itself may say any of these, depending on which of two threads was first. */
  private static String ended(String outcome) {
    return Set.of("-1", "closed here", "TLS failure", "network failure").contains(outcome)
        ? "ended"
        : outcome;
  }

  private static byte[] data(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static int writeForEver(Side side) throws IOException {
    byte[] much = new byte[100_000];
    while (true) {
      side.out().write(much);
    }
  }

  /** Returns how many calls it took. */
  private static int write(Side side, Send steps, byte[] sent) throws IOException {
    Random random = new Random(steps.seed());
    OutputStream out = side.out();
    int calls = 0;
    for (int at = 0; at < sent.length; calls++) {
      int step = Math.min(sent.length - at, random.nextInt(steps.largestStep() + 1));
      if (step == 1) {
        out.write(sent[at]);
      } else {
        out.write(sent, at, step);
      }
      if (random.nextInt(4) == 0) {
        out.flush();
      }
      at += step;
    }
    return calls;
  }

  /** Reads as much as was sent, in other steps; tells what is wrong with it, if anything. */
  private static String received(Side side, Send steps, byte[] sent, Notes notes)
      throws IOException {
    Random random = new Random(~steps.seed());
    InputStream in = side.in();
    byte[] got = new byte[sent.length];
    byte[] canvas = new byte[Math.min(steps.largestStep(), 40_000) + 64];
    int calls = 0;
    for (int at = 0; at < got.length; calls++) {
      if (random.nextInt(8) == 0) {
        int value = in.read();
        if (value < 0) {
          return "the end after " + at + " bytes";
        }
        got[at++] = (byte) value;
        continue;
      }
      int offset = random.nextInt(32);
      int asked = Math.min(got.length - at, 1 + random.nextInt(canvas.length - 63));
      Arrays.fill(canvas, (byte) 0x5a);
      int read = in.read(canvas, offset, asked);
      if (read < 0) {
        return "the end after " + at + " bytes";
      }
      if (read == 0 || read > asked) {
        return read + " bytes of " + asked;
      }
      for (int i = 0; i < canvas.length; i++) {
        if ((i < offset || i >= offset + asked) && canvas[i] != 0x5a) {
          return "a byte outside the part of the array that was given";
        }
      }
      System.arraycopy(canvas, offset, got, at, read);
      at += read;
    }
    notes.counts(calls);
    return Arrays.equals(got, sent) ? "what was sent" : "other bytes than were sent";
  }

  /** The notes of a whole script. */
  static List<Note> play(List<Scene> scenes, Stage stage, Notes notes) throws Exception {
    stage.shakeHands();
    for (Scene scene : scenes) {
      scene.play(stage, notes);
    }
    return notes.all();
  }
}
