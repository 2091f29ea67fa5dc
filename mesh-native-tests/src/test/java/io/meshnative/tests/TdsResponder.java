package io.meshnative.tests;

import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.tests.TdsMessages.Message;
import io.meshnative.tests.TdsMessages.Tokens;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;

/**
 * Answers Microsoft's driver as a SQL Server does, as far as a socket matters: prelogin, login,
 * three statements and attention. It shows that the driver works with our sockets, and nothing
 * about a SQL Server.
 */
final class TdsResponder implements AutoCloseable {
  static final String WAITING = "WAITFOR DELAY '01:00:00'";
  static final String MANY = "SELECT id FROM many";
  static final int MANY_ROWS = 50_000;

  /** What it says of encryption when it is asked for none. */
  enum Encryption {
    /** The login goes encrypted, as with every SQL Server that has a certificate. */
    OF_LOGIN(0),
    /** It has no certificate. */
    NOT_SUPPORTED(2);

    private final int value;

    Encryption(int value) {
      this.value = value;
    }
  }

  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Encryption encryption;
  private final SSLContext tls;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger logins = new AtomicInteger();
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicInteger attentions = new AtomicInteger();

  TdsResponder(Encryption encryption, IssuedCertificate own) throws Exception {
    this.encryption = encryption;
    this.tls = TdsLoginTls.context(own);
    start(this::accept);
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "tds-responder");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket caller = server.accept();
        open.add(caller);
        start(() -> serve(caller));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket caller) {
    try (caller) {
      caller.setTcpNoDelay(true);
      InputStream in = caller.getInputStream();
      OutputStream out = caller.getOutputStream();
      if (logIn(in, out)) {
        for (Message asked = TdsMessages.read(in); asked != null; asked = TdsMessages.read(in)) {
          answer(asked, in, out);
        }
      }
    } catch (IOException e) {
      // The caller has gone.
    } finally {
      open.remove(caller);
    }
  }

  private boolean logIn(InputStream in, OutputStream out) throws IOException {
    Message first = TdsMessages.read(in);
    if (first == null || first.type() != TdsMessages.PRELOGIN) {
      return false; // no client of SQL Server, or one that begins with TLS
    }
    TdsMessages.write(out, TdsMessages.RESPONSE, prelogin());
    Message login =
        encryption == Encryption.OF_LOGIN ? TdsLoginTls.login(tls, in, out) : TdsMessages.read(in);
    if (login == null || login.type() != TdsMessages.LOGIN7) {
      return false;
    }
    boolean known =
        login.user().equals(DatabaseServer.USER)
            && login.password().equals(DatabaseServer.PASSWORD);
    Tokens tokens =
        known
            ? new Tokens().loggedIn(login.database()).done(0)
            : new Tokens().error(18456, "Login failed for user '" + login.user() + "'.").failed();
    TdsMessages.write(out, TdsMessages.RESPONSE, tokens.toByteArray());
    if (known) {
      logins.incrementAndGet();
    }
    return known;
  }

  /** Two options, version and encryption, and where in the message they stand. */
  private byte[] prelogin() {
    return new byte[] {
      0, 0, 11, 0, 6, 1, 0, 17, 0, 1, (byte) 0xff, 15, 0, 0, 0, 0, 0, (byte) encryption.value
    };
  }

  private void answer(Message asked, InputStream in, OutputStream out) throws IOException {
    Tokens tokens = new Tokens();
    if (asked.type() == TdsMessages.ATTENTION) {
      tokens.attended(); // to what has ended meanwhile
    } else if (asked.type() != TdsMessages.SQL_BATCH) {
      tokens.error(50_000, "This responder knows batches only.").failed();
    } else {
      switch (asked.text()) {
        case "SELECT 1" -> tokens.numbers("one", 1).done(1);
        case MANY -> tokens.numbers("id", MANY_ROWS).done(MANY_ROWS);
        case WAITING -> {
          waiting.incrementAndGet();
          try {
            Message next = TdsMessages.read(in);
            if (next == null || next.type() != TdsMessages.ATTENTION) {
              throw new IOException("expected nothing or an attention, found " + next);
            }
          } finally {
            waiting.decrementAndGet();
          }
          attentions.incrementAndGet();
          // What was cut short ends, and what cut it is answered in a message of its own.
          TdsMessages.write(out, TdsMessages.RESPONSE, new Tokens().failed().toByteArray());
          tokens.attended();
        }
        default -> tokens.error(2812, "Could not find " + asked.text()).failed();
      }
    }
    TdsMessages.write(out, TdsMessages.RESPONSE, tokens.toByteArray());
  }

  int port() {
    return server.getLocalPort();
  }

  int logins() {
    return logins.get();
  }

  /** How many statements wait. */
  int waiting() {
    return waiting.get();
  }

  int attentions() {
    return attentions.get();
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
