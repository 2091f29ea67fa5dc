package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * An agent that answers without end, in each way that HTTP offers and to each kind of question: it
 * is cut off before it costs much memory, which is measured by what it could write; traffic goes
 * on, and all is well when the agent is.
 */
@ExtendWith(Quiet.class)
@Timeout(300)
class HostileAgentTest {
  private static final long GIGABYTE = 1L << 30;
  private static final long MEGABYTE = 1L << 20;

  /** What lies in the buffers of both systems when the reader leaves. */
  private static final long IN_FLIGHT = 16 * MEGABYTE;

  private enum Question {
    ROOTS("/v1/agent/connect/ca/roots", "trust", 16 * MEGABYTE),
    LEAF("/v1/agent/connect/ca/leaf/", "identity", 16 * MEGABYTE),
    MATCH("/v1/connect/intentions/match", "intentions", 256 * MEGABYTE),
    HEALTH("/v1/health/connect/", "endpoints of db", 256 * MEGABYTE);

    private final String path;
    private final String source;
    private final long longestBody;

    Question(String path, String source, long longestBody) {
      this.path = path;
      this.source = source;
      this.longestBody = longestBody;
    }
  }

  private enum Flood {
    BODY_OF_A_GIGABYTE(
        "HTTP/1.1 200 OK\r\nX-Consul-Index: 9\r\nContent-Length: " + GIGABYTE + "\r\n\r\n",
        " ",
        "expected a body of at most ",
        0),
    CHUNKS_WITHOUT_END(
        "HTTP/1.1 200 OK\r\nX-Consul-Index: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
        "1000\r\n" + " ".repeat(0x1000) + "\r\n",
        "expected a body of at most ",
        Long.MAX_VALUE),
    ONE_HEADER_WITHOUT_END(
        "HTTP/1.1 200 OK\r\nX-Consul-Index: 9", "9", "expected an answer from the agent", MEGABYTE),
    HEADERS_WITHOUT_END(
        "HTTP/1.1 200 OK\r\n", "X-Junk: 9\r\n", "expected an answer from the agent", MEGABYTE),
    STATUS_WITHOUT_END("HTTP/1.1 200 ", "O", "expected an answer from the agent", MEGABYTE),
    CHUNK_HEAD_WITHOUT_END(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000;",
        "x",
        "at most 1 MiB of headers and framing",
        MEGABYTE),
    PROVISIONAL_ANSWERS_WITHOUT_END(
        "",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        "expected an answer from the agent",
        MEGABYTE);

    private final String begin;
    private final String again;
    private final String told;

    /** How much may be taken, if that is less than the longest body. */
    private final long most;

    Flood(String begin, String again, String told, long most) {
      this.begin = begin;
      this.again = again;
      this.told = told;
      this.most = most;
    }
  }

  static Stream<Arguments> floods() {
    return Stream.of(Question.values())
        .flatMap(question -> Stream.of(Flood.values()).map(flood -> Arguments.of(question, flood)));
  }

  @ParameterizedTest
  @MethodSource("floods")
  void anAnswerWithoutEndIsCutOff(Question question, Flood flood) throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        HostileAgent agent = new HostileAgent(plane.httpAddr());
        Cast cast = new Cast(plane)) {
      cast.echo(cast.registered("db"));
      List<MeshEvent> told = new CopyOnWriteArrayList<>();
      ConsulConfig config = ConsulConfig.builder().address("http://" + agent.httpAddr()).build();
      MeshClient web = cast.ready(MeshClient.builder("web").consul(config).listener(told::add));
      Cast.awaitEndpoint(web, "db");
      SSLSocket kept = cast.keep(web.dial("db"));
      Echo.ping(kept);

      agent.turn(
          question.path,
          out -> {
            out.write(HostileAgent.ascii(flood.begin));
            HostileAgent.forEver(out, flood.again, GIGABYTE);
          });
      Cast.await("an answer is cut off", () -> agent.cutOff() > 0);
      Cast.await(
          "it is told what came",
          () -> told.stream().anyMatch(event -> isFailure(event, question, flood)));
      Echo.ping(kept);
      assertThat(Cast.reaches(web, "db")).isTrue();
      assertThat(agent.mostWritten())
          .as("bytes taken of one answer")
          .isPositive()
          .isLessThan(Math.min(flood.most, question.longestBody) + IN_FLIGHT);

      agent.beHonest();
      told.clear();
      Cast.await(
          "it is told that the agent is well",
          () -> told.stream().anyMatch(event -> isRecovery(event, question)));
      Cast.await("all is well", () -> web.state() == MeshState.READY);
      Echo.ping(kept);
    }
  }

  private static boolean isFailure(MeshEvent event, Question question, Flood flood) {
    return event instanceof MeshEvent.ControlPlaneFailed failed
        && failed.source().equals(question.source)
        && failed.cause().getMessage().contains(flood.told);
  }

  private static boolean isRecovery(MeshEvent event, Question question) {
    return event instanceof MeshEvent.ControlPlaneRecovered recovered
        && recovered.source().equals(question.source);
  }
}
