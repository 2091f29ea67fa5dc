package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.PeerAuthorizer;
import io.meshnative.RequestGate;
import io.meshnative.RetirePolicy;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.intention.Permission;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.ProofStore;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TlsEngines;
import io.meshnative.internal.tls.TrustEpoch;
import io.meshnative.spi.TlsProvider;
import io.meshnative.spi.TrustUpdate;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.conscrypt.Conscrypt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A gate that is closed while a connection is between its decision and its registration. */
@Timeout(60)
@Tag("T24")
class GateRaceTest {
  private final SmallAuthority authority = new SmallAuthority();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);

  @AfterEach
  void stopTimer() {
    scheduler.shutdownNow();
  }

  /** One end: its engines, and the connections that it judges. */
  private final class Side {
    private final Publisher publisher =
        new Publisher(PolicyVersion.denyAll(0, "nothing is loaded"));
    private final TlsEngines engines =
        new TlsEngines(
            TlsProvider.of(Conscrypt.newProvider()),
            true,
            false,
            false,
            publisher,
            new ProofStore(),
            Clock.systemUTC());
    private final PolicyCheck check = new PolicyCheck("db", engines.verifier(), Clock.systemUTC());
    private final LiveConnections live =
        new LiveConnections(
            publisher,
            check,
            RetirePolicy.defaults(),
            () -> 42,
            Runnable::run,
            scheduler,
            event -> {},
            new Denials(check, publisher, event -> {}, record -> {}));

    Side(String service, Intention... rules) throws Exception {
      engines.authority(live);
      WorkloadIdentity identity = authority.identity(service);
      TrustUpdate trust = authority.trust();
      publisher.trust(
          TrustEpoch.of(
              1, identity, trust.local(), trust.bundles(), engines.verifier(), Instant.now()));
      IntentionTable table =
          IntentionTable.compile(
              new Intention.Destination("default", "default", service),
              List.of(rules),
              DefaultDecision.ALLOW);
      publisher.policy(PolicyVersion.of(1, table, List.of(), DefaultDecision.ALLOW));
    }
  }

  /**
   * Is closed by another thread right after its second reading, the one that lets the connection
   * in.
   */
  private static final class ClosedMeanwhile implements RequestGate {
    private final Side side;
    private final AtomicInteger readings = new AtomicInteger();

    ClosedMeanwhile(Side side) {
      this.side = side;
    }

    @Override
    public void arm() {}

    @Override
    public void disarm() {}

    @Override
    public boolean isArmed() {
      int reading = readings.incrementAndGet();
      if (reading == 2) {
        Thread closing = new Thread(side.live::judgeAgain);
        closing.start();
        try {
          closing.join();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      return reading <= 2;
    }
  }

  @Test
  void aGateThatClosesAfterTheDecisionAndBeforeTheRegistrationLetsNobodyIn() throws Exception {
    Intention perRequest =
        new Intention(
            new Intention.Source("", "default", "default", "web"),
            new Intention.Destination("default", "default", "db"),
            Optional.empty(),
            List.of(
                new Permission(
                    Intention.Action.ALLOW, Optional.empty(), List.of(), List.of("GET"), false)),
            9,
            false,
            "",
            List.of());
    Side db = new Side("db", perRequest);
    Side web = new Side("web");
    ClosedMeanwhile gate = new ClosedMeanwhile(db);
    MeshEngine server =
        db.engines.engine(
            new Terms.Inbound(Optional.of(gate), PeerAuthorizer.intentions()), "127.0.0.1", 1, 0);
    MeshEngine client =
        web.engines.engine(new Terms.Outbound(Destination.parse("db")), "127.0.0.1", 1, 1);
    assertThatThrownBy(() -> InMemory.shakeHands(client, server)).isInstanceOf(SSLException.class);
    assertThat(gate.readings.get()).isGreaterThan(2);
    assertThat(server.peer()).isNull();
    assertThat(db.live.isEmpty()).isTrue();
  }
}
