package io.meshnative.internal.consul;

import io.meshnative.consul.ConsulConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import javax.net.ServerSocketFactory;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;

/** An agent that answers as a test says. */
final class Agents implements AutoCloseable {
  final MockWebServer server = new MockWebServer();
  final List<RecordedRequest> requests = new CopyOnWriteArrayList<>();

  private Agents() {}

  /**
   * Starts an agent; what the function answers null to is a 404 without text, as for an unknown
   * endpoint.
   */
  static Agents answering(Function<RecordedRequest, MockResponse> answers)
      throws java.io.IOException {
    Agents agents = new Agents();
    agents.server.setDispatcher(
        new Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) {
            agents.requests.add(request);
            MockResponse response = answers.apply(request);
            return response == null ? new MockResponse.Builder().code(404).build() : response;
          }
        });
    agents.server.setServerSocketFactory(new Undelayed());
    agents.server.start();
    return agents;
  }

  /**
   * Makes the one listener. The server writes head and body apart; with Nagle's algorithm each
   * answer would take 40 ms.
   */
  private static final class Undelayed extends ServerSocketFactory {
    @Override
    public ServerSocket createServerSocket() throws IOException {
      return new ServerSocket() {
        @Override
        public Socket accept() throws IOException {
          Socket accepted = super.accept();
          accepted.setTcpNoDelay(true);
          return accepted;
        }
      };
    }

    @Override
    public ServerSocket createServerSocket(int port) {
      throw new UnsupportedOperationException("the server binds by itself");
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog) {
      throw new UnsupportedOperationException("the server binds by itself");
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog, InetAddress address) {
      throw new UnsupportedOperationException("the server binds by itself");
    }
  }

  static MockResponse json(String index, String body) {
    return new MockResponse.Builder()
        .code(200)
        .addHeader("X-Consul-Index", index)
        .body(body)
        .build();
  }

  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  ConsulConfig config() {
    return ConsulConfig.builder().address(address()).build();
  }

  Wiring wiring(String service) throws java.io.IOException {
    return wiring(config(), service);
  }

  Wiring wiring(ConsulConfig config, String service) throws java.io.IOException {
    return new Wiring(
        config,
        new AgentClient(config),
        service,
        new FakeClock(),
        new java.util.SplittableRandom(1));
  }

  List<String> targets() {
    return requests.stream().map(RecordedRequest::getTarget).toList();
  }

  @Override
  public void close() {
    server.close();
  }
}
