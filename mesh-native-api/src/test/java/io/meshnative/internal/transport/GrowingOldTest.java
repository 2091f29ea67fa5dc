package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.IdentityExpiredException;
import io.meshnative.MeshEvent;
import io.meshnative.internal.transport.Tls.Vendor;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Certificates that end under live connections: each is asked to end at a moment of its own between
 * 70 and 90 per cent of its life, serves on, and is cut when it has ended. Time is moved by hand.
 */
@Timeout(120)
class GrowingOldTest {
  private static final int CONNECTIONS = 25;
  private static final Duration LIFE = Duration.ofHours(100);

  @ParameterizedTest
  @CsvSource({"CONSCRYPT, true", "CONSCRYPT, false", "JSSE, true", "JSSE, false"})
  void connectionsDrainOneAfterTheOtherAndAreCutInTheEnd(Vendor vendor, boolean called)
      throws Exception {
    SmallAuthority authority = new SmallAuthority();
    // The other one's leaf ends first; one side judges, as the called or as the caller.
    try (Service judge =
            new Service(called ? "db" : "web", authority, vendor, LIFE.multipliedBy(10));
        Service other = new Service(called ? "web" : "db", authority, vendor, LIFE);
        ServerSocket server = (called ? judge : other).listen()) {
      List<SSLSocket> ours = new ArrayList<>();
      List<SSLSocket> theirs = new ArrayList<>();
      for (int i = 0; i < CONNECTIONS; i++) {
        SSLSocket caller = (called ? other : judge).dial("db", server.getLocalPort());
        SSLSocket callee = (SSLSocket) server.accept();
        ours.add(called ? callee : caller);
        theirs.add(called ? caller : callee);
      }
      assertThat(judge.live.snapshot()).hasSize(CONNECTIONS);
      TreeSet<Integer> moments = new TreeSet<>();
      long told = 0;
      for (int hour = 1; hour <= 99; hour++) {
        judge.advance(Duration.ofHours(1));
        long now = retiring(judge);
        assertThat(ours.stream().filter(socket -> judge.live.isRetiring(socket.getSession())))
            .as("who is told of is marked")
            .hasSize((int) now);
        assertThat(hour < 70 ? now == 0 : now <= CONNECTIONS).as("hour %s", hour).isTrue();
        if (now > told) {
          moments.add(hour);
          told = now;
        }
        if (hour == 91) {
          assertThat(told).isEqualTo(CONNECTIONS);
        }
      }
      assertThat(moments.first()).isGreaterThanOrEqualTo(70);
      assertThat(moments.last()).isLessThanOrEqualTo(91);
      assertThat(moments).as("not all at once").hasSizeGreaterThan(5);
      assertThat(retiring(judge)).as("each is told of once").isEqualTo(CONNECTIONS);
      assertThat(withdrawn(judge)).isZero();
      for (int i = 0; i < CONNECTIONS; i++) { // old, and as good as new
        ours.get(i).getOutputStream().write('!');
        assertThat(theirs.get(i).getInputStream().read()).isEqualTo('!');
      }

      judge.advance(Duration.ofHours(2));
      assertThat(judge.live.isEmpty()).isTrue();
      assertThat(withdrawn(judge)).isEqualTo(CONNECTIONS);
      for (SSLSocket socket : ours) {
        assertThat(judge.live.isRetiring(socket.getSession())).isTrue();
        assertThatThrownBy(() -> socket.getInputStream().read())
            .isInstanceOf(IdentityExpiredException.class);
      }
      for (SSLSocket socket : theirs) {
        assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(IOException.class);
      }
    }
  }

  private static long retiring(Service service) {
    return service.events.stream().filter(MeshEvent.Retiring.class::isInstance).count();
  }

  private static long withdrawn(Service service) {
    return service.events.stream().filter(MeshEvent.Withdrawn.class::isInstance).count();
  }
}
