package io.meshnative.httpserver;

import java.io.IOException;
import java.io.OutputStream;

/** The body of a response, as long as the right to it lasts; the response ends with it. */
final class ResponseBody extends OutputStream {
  private final OutputStream jdk;
  private final Cut cut;
  private final Runnable over;

  ResponseBody(OutputStream jdk, Cut cut, Runnable over) {
    this.jdk = jdk;
    this.cut = cut;
    this.over = over;
  }

  @Override
  public void write(int b) throws IOException {
    cut.write(() -> jdk.write(b));
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    cut.write(() -> jdk.write(bytes, offset, length));
  }

  @Override
  public void flush() throws IOException {
    cut.write(() -> jdk.flush());
  }

  @Override
  public void close() throws IOException {
    try {
      cut.write(() -> jdk.close());
    } finally {
      over.run();
    }
  }
}
