package io.meshnative.tests;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLSocket;

/**
 * As little of HTTP/1.1 as a proxy needs that asks well, on sockets that {@code listen} accepts: no
 * adapter, so connections are decided and requests are not.
 */
final class ListeningHttpServer implements HttpServerUnderTest {
  private final MeshClient service;
  private final RecordingApplication application;
  private final MeshServerSocket server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  ListeningHttpServer(MeshClient service, RecordingApplication application) throws IOException {
    this.service = service;
    this.application = application;
    this.server = service.listen(Cast.loopback(), ListenOptions.defaults());
    CompletableFuture<Void> unused = Background.run(this::accept);
  }

  @Override
  public int port() {
    return server.getLocalPort();
  }

  @Override
  public boolean http2() {
    return false;
  }

  @Override
  public boolean armed() {
    return true;
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        SSLSocket socket = server.accept();
        open.add(socket);
        CompletableFuture<Void> unused = Background.run(() -> serve(socket));
      } catch (IOException e) {
        if (!server.isClosed()) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  private void serve(SSLSocket socket) {
    try (socket) {
      String peer = service.peer(socket.getSession()).id().toString();
      InputStream in = new BufferedInputStream(socket.getInputStream());
      for (String line = line(in); line != null; line = line(in)) {
        String[] parts = line.split(" ");
        application.handle(
            new Asked(parts[0], parts[1], headers(in), peer, socket.getOutputStream()));
      }
    } catch (IOException e) {
      // The peer was cut, or went.
    } finally {
      open.remove(socket);
    }
  }

  /** Null at the end of the connection. */
  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        if (line.length() == 0) {
          return null;
        }
        throw new EOFException("the connection ended after \"" + line + "\"");
      }
      line.append((char) c);
    }
    return line.toString().stripTrailing();
  }

  private static Map<String, List<String>> headers(InputStream in) throws IOException {
    Map<String, List<String>> headers = new TreeMap<>();
    for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers
          .computeIfAbsent(
              line.substring(0, colon).toLowerCase(Locale.ROOT), name -> new ArrayList<>())
          .add(line.substring(colon + 1).trim());
    }
    return headers;
  }

  private record Asked(
      String method,
      String path,
      Map<String, List<String>> headers,
      String peer,
      OutputStream socket)
      implements RecordingApplication.Exchange {
    @Override
    public String mapping() {
      return "/";
    }

    @Override
    public String principal() {
      return peer;
    }

    /** Nobody sends one. */
    @Override
    public InputStream body() {
      return InputStream.nullInputStream();
    }

    @Override
    public OutputStream respond(int status, Optional<Integer> length) throws IOException {
      String framing =
          length.map(bytes -> "Content-Length: " + bytes).orElse("Transfer-Encoding: chunked");
      text(socket, "HTTP/1.1 " + status + " Answer\r\n" + framing + "\r\n\r\n");
      return length.isPresent() ? new Body(socket) : new Chunks(socket);
    }

    private static void text(OutputStream out, String text) throws IOException {
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
    }

    /** Its end is not the end of the connection. */
    private static final class Body extends FilterOutputStream {
      Body(OutputStream out) {
        super(out);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        out.write(bytes, offset, length);
      }

      @Override
      public void close() throws IOException {
        out.flush();
      }
    }

    private static final class Chunks extends FilterOutputStream {
      Chunks(OutputStream out) {
        super(out);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        text(out, Integer.toHexString(length) + "\r\n");
        out.write(bytes, offset, length);
        text(out, "\r\n");
      }

      @Override
      public void close() throws IOException {
        text(out, "0\r\n\r\n");
      }
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
