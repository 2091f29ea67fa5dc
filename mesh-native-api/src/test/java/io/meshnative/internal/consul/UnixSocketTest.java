package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.internal.unix.UnixSocket;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {
  private static final Duration GENEROUS = Duration.ofSeconds(60);
  private static final AgentCall CALL = AgentCall.get("agent", "connect", "ca", "roots");

  @TempDir Path folder;
  private Path path;
  private ServerSocketChannel listener;

  @BeforeEach
  void listen() throws IOException {
    path = folder.resolve("agent.sock");
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(path));
  }

  @AfterEach
  void stop() throws IOException {
    listener.close();
  }

  private UnixSocket connected() throws IOException {
    UnixSocket socket = new UnixSocket(path);
    socket.connect(null, 1000);
    return socket;
  }

  @Test
  void bytesGoBothWaysAndTheEndIsSeen() throws IOException {
    try (UnixSocket socket = connected();
        SocketChannel peer = listener.accept()) {
      socket.getOutputStream().write(new byte[] {1, 2, 3});
      ByteBuffer got = ByteBuffer.allocate(3);
      while (got.hasRemaining()) {
        peer.read(got);
      }
      assertThat(got.array()).containsExactly(1, 2, 3);
      peer.write(ByteBuffer.wrap(new byte[] {(byte) 0xff}));
      assertThat(socket.getInputStream().read()).isEqualTo(0xff);
      peer.close();
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void aReadEndsByItsTimeoutAndTheSocketGoesOn() throws IOException {
    try (UnixSocket socket = connected();
        SocketChannel peer = listener.accept()) {
      socket.setSoTimeout(20);
      assertThatExceptionOfType(SocketTimeoutException.class)
          .isThrownBy(() -> socket.getInputStream().read());
      peer.write(ByteBuffer.wrap(new byte[] {7}));
      socket.setSoTimeout(0);
      assertThat(socket.getInputStream().read()).isEqualTo(7);
    }
  }

  @Test
  void aCloseFromAnotherThreadEndsAReadAndAWrite() throws Exception {
    for (boolean reading : new boolean[] {true, false}) {
      try (UnixSocket socket = connected();
          SocketChannel peer = listener.accept()) {
        CompletableFuture<Throwable> end = new CompletableFuture<>();
        Thread thread =
            new Thread(() -> end.complete(catchThrowable(() -> block(socket, reading))));
        thread.start();
        awaitBlocked(thread);
        socket.close();
        assertThat(end.get(60, TimeUnit.SECONDS)).isInstanceOf(SocketException.class);
        assertThat(peer.isOpen()).isTrue();
      }
    }
  }

  @Test
  void anInterruptEndsARead() throws Exception {
    try (UnixSocket socket = connected();
        SocketChannel peer = listener.accept()) {
      CompletableFuture<Throwable> end = new CompletableFuture<>();
      Thread thread = new Thread(() -> end.complete(catchThrowable(() -> block(socket, true))));
      thread.start();
      awaitBlocked(thread);
      thread.interrupt();
      assertThat(end.get(60, TimeUnit.SECONDS)).isInstanceOf(InterruptedIOException.class);
      assertThat(peer.isOpen()).isTrue();
    }
  }

  private static void block(UnixSocket socket, boolean reading) throws IOException {
    if (reading) {
      socket.getInputStream().read();
    } else {
      OutputStream out = socket.getOutputStream();
      while (true) {
        out.write(new byte[64 * 1024]);
      }
    }
  }

  private static void awaitBlocked(Thread thread) {
    await()
        .atMost(GENEROUS)
        .until(() ->
            java.util.Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("select")));
  }

  @Test
  void callsGoThroughTheSocketToAHostNamedLocalhost() throws Exception {
    Path relayed = folder.resolve("relay.sock");
    try (Agents agent = Agents.answering(request -> Agents.json("7", "{}"));
        UnixRelay relay = new UnixRelay(relayed, agent.server.getPort());
        AgentClient client =
            new AgentClient(ConsulConfig.builder().address("unix://" + relayed).build())) {
      assertThat(client.execute(CALL, new Calls()).index()).isEqualTo(7);
      assertThat(client.execute(CALL, new Calls()).index()).isEqualTo(7);
      assertThat(agent.targets())
          .containsExactly("/v1/agent/connect/ca/roots", "/v1/agent/connect/ca/roots");
      assertThat(agent.requests.get(0).getHeaders().get("Host")).isEqualTo("localhost");
      assertThat(relay.connections()).as("kept alive and reused").isEqualTo(1);
    }
  }

  @Test
  void aBlockedCallIsCancelledAndAnAgentThatHangsIsGivenUp() throws Exception {
    Path relayed = folder.resolve("relay.sock");
    try (Agents agent =
            Agents.answering(request ->
                new MockResponse.Builder().code(200).headersDelay(1, TimeUnit.HOURS).build());
        UnixRelay relay = new UnixRelay(relayed, agent.server.getPort());
        AgentClient client =
            new AgentClient(ConsulConfig.builder().address("unix://" + relayed).build())) {
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> client.execute(CALL.within(Duration.ofMillis(50)), new Calls()))
          .withMessageContaining("unix://" + relayed);
      Calls calls = new Calls();
      CompletableFuture<Throwable> end = new CompletableFuture<>();
      Thread thread =
          new Thread(() ->
              end.complete(
                  catchThrowable(
                      () -> client.execute(CALL.blocking(3, Duration.ofMinutes(5)), calls))));
      thread.start();
      awaitBlocked(thread);
      calls.cancel();
      assertThat(end.get(60, TimeUnit.SECONDS)).isInstanceOf(ControlPlaneException.class);
      assertThat(relay.connections()).isEqualTo(2);
    }
  }

  @Test
  void aSocketThatIsNotThereIsNamed() throws Exception {
    Path missing = folder.resolve("missing.sock");
    try (AgentClient client =
        new AgentClient(ConsulConfig.builder().address("unix://" + missing).build())) {
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> client.execute(CALL, new Calls()))
          .withMessageContaining("no connection to the unix socket " + missing)
          .withMessageContaining("is the agent running");
    }
  }
}
