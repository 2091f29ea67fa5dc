package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;

class NettyEngineTest {
  /** What each wrap does; null to throw. */
  private final Deque<SSLEngineResult> wraps = new ArrayDeque<>();

  private SSLEngineResult wrap(SSLEngine engine) throws SSLException {
    return engine.wrap(ByteBuffer.allocate(0), ByteBuffer.allocate(64));
  }

  private NettyEngine engine() throws Exception {
    return new NettyEngine(new Scripted(SSLContext.getDefault().createSSLEngine(), wraps));
  }

  @Test
  void aCutEngineTellsItsReasonOnceAndIsClosedAfterThat() throws Exception {
    NettyEngine engine = engine();
    assertThatThrownBy(() -> wrap(engine)).isInstanceOf(SSLException.class).hasMessage("cut");
    for (int i = 0; i < 3; i++) {
      SSLEngineResult closed = wrap(engine);
      assertThat(closed.getStatus()).isEqualTo(Status.CLOSED);
      assertThat(closed.bytesProduced()).isZero();
    }
  }

  @Test
  void theAlertBehindAFailureComesOut() throws Exception {
    NettyEngine engine = engine();
    assertThatThrownBy(() -> wrap(engine)).isInstanceOf(SSLException.class);
    SSLEngineResult alert =
        new SSLEngineResult(Status.CLOSED, HandshakeStatus.NOT_HANDSHAKING, 0, 7);
    wraps.addAll(List.of(alert));
    assertThat(wrap(engine)).isSameAs(alert);
    assertThat(wrap(engine).bytesProduced()).isZero();
  }
}
