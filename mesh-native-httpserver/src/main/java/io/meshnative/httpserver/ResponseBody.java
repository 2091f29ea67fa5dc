package io.meshnative.httpserver;

import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

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
    cut.<@Nullable Void>during(() -> {
      jdk.write(b);
      return null;
    });
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    cut.<@Nullable Void>during(() -> {
      jdk.write(bytes, offset, length);
      return null;
    });
  }

  @Override
  public void flush() throws IOException {
    cut.<@Nullable Void>during(() -> {
      jdk.flush();
      return null;
    });
  }

  @Override
  public void close() throws IOException {
    try {
      cut.<@Nullable Void>during(() -> {
        jdk.close();
        return null;
      });
    } finally {
      over.run();
    }
  }
}
