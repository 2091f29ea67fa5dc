package io.meshnative.tests;

import io.meshnative.testkit.IssuedCertificate;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;

/**
 * TLS as SQL Server does it for a login that is all that it encrypts: the handshake travels inside
 * packets, the login's message as bare records, and what comes after is plain again.
 */
final class TdsLoginTls {
  private static final int RECORD_HEADER = 5;

  private final SSLEngine engine;
  private final InputStream in;
  private final OutputStream out;
  private ByteBuffer received = ByteBuffer.allocate(0);

  private TdsLoginTls(SSLEngine engine, InputStream in, OutputStream out) {
    this.engine = engine;
    this.in = in;
    this.out = out;
  }

  static SSLContext context(IssuedCertificate own) throws Exception {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    keys.setKeyEntry(
        "self", own.privateKey(), new char[0], own.chain().toArray(X509Certificate[]::new));
    KeyManagerFactory managers = KeyManagerFactory.getInstance("SunX509");
    managers.init(keys, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context;
  }

  /** Shakes hands, and reads the login that follows. */
  static TdsMessages.Message login(SSLContext context, InputStream in, OutputStream out)
      throws IOException {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(new String[] {"TLSv1.2"}); // as a server of 2019 does
    TdsLoginTls tls = new TdsLoginTls(engine, in, out);
    tls.handshake();
    return tls.message();
  }

  private void handshake() throws IOException {
    engine.beginHandshake();
    ByteArrayOutputStream flight = new ByteArrayOutputStream();
    while (true) {
      HandshakeStatus status = engine.getHandshakeStatus();
      switch (status) {
        case NEED_TASK -> engine.getDelegatedTask().run();
        case NEED_WRAP -> {
          ByteBuffer record = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
          engine.wrap(ByteBuffer.allocate(0), record);
          flight.write(record.array(), 0, record.position());
        }
        case NEED_UNWRAP -> {
          send(flight);
          if (!received.hasRemaining()) {
            received = ByteBuffer.wrap(packet());
          }
          engine.unwrap(
              received, ByteBuffer.allocate(engine.getSession().getApplicationBufferSize()));
        }
        default -> {
          send(flight);
          return;
        }
      }
    }
  }

  private void send(ByteArrayOutputStream flight) throws IOException {
    if (flight.size() > 0) {
      TdsMessages.write(out, TdsMessages.PRELOGIN, flight.toByteArray());
      flight.reset();
    }
  }

  private byte[] packet() throws IOException {
    TdsMessages.Message message = TdsMessages.read(in);
    if (message == null || message.type() != TdsMessages.PRELOGIN) {
      throw new IOException("expected a handshake in a packet, found " + message);
    }
    return message.body();
  }

  private TdsMessages.Message message() throws IOException {
    ByteArrayOutputStream clear = new ByteArrayOutputStream();
    while (true) {
      TdsMessages.Message message = TdsMessages.read(new ByteArrayInputStream(clear.toByteArray()));
      if (message != null) {
        return message;
      }
      byte[] header = in.readNBytes(RECORD_HEADER);
      if (header.length < RECORD_HEADER) {
        throw new IOException("expected a record, found the end");
      }
      byte[] body = in.readNBytes((header[3] & 0xff) << 8 | header[4] & 0xff);
      ByteBuffer record = ByteBuffer.allocate(RECORD_HEADER + body.length);
      record.put(header).put(body).flip();
      ByteBuffer some = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
      engine.unwrap(record, some);
      clear.write(some.array(), 0, some.position());
    }
  }
}
