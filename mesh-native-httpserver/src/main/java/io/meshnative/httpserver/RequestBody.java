package io.meshnative.httpserver;

import java.io.IOException;
import java.io.InputStream;

/** The body of a request, as long as the right to it lasts. */
final class RequestBody extends InputStream {
  private final InputStream jdk;
  private final Cut cut;

  RequestBody(InputStream jdk, Cut cut) {
    this.jdk = jdk;
    this.cut = cut;
  }

  @Override
  public int read() throws IOException {
    return cut.read(jdk::read);
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    return cut.read(() -> jdk.read(bytes, offset, length));
  }

  @Override
  public int available() throws IOException {
    return cut.read(jdk::available);
  }

  @Override
  public void close() throws IOException {
    cut.write(() -> jdk.close());
  }
}
