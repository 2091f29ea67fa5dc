package io.meshnative.servlet;

import io.meshnative.servlet.internal.AdmittedRequest;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import org.jspecify.annotations.Nullable;

/** A response that can be written as long as its request's right lasts. */
final class AdmittedServletResponse extends HttpServletResponseWrapper {
  private final AdmittedRequest admitted;
  private @Nullable ServletOutputStream stream;
  private @Nullable PrintWriter writer;

  AdmittedServletResponse(HttpServletResponse response, AdmittedRequest admitted) {
    super(response);
    this.admitted = admitted;
  }

  @Override
  public ServletOutputStream getOutputStream() throws IOException {
    ServletOutputStream guarded = stream;
    if (guarded == null) {
      guarded = new GuardedStream(super.getOutputStream(), admitted);
      stream = guarded;
    }
    return guarded;
  }

  @Override
  public PrintWriter getWriter() throws IOException {
    PrintWriter guarded = writer;
    if (guarded == null) {
      guarded = new PrintWriter(new GuardedWriter(super.getWriter(), admitted));
      writer = guarded;
    }
    return guarded;
  }

  @Override
  public void flushBuffer() throws IOException {
    admitted.requireRight();
    super.flushBuffer();
  }

  private static final class GuardedWriter extends FilterWriter {
    private final AdmittedRequest admitted;

    GuardedWriter(Writer out, AdmittedRequest admitted) {
      super(out);
      this.admitted = admitted;
    }

    @Override
    public void write(int c) throws IOException {
      admitted.requireRight();
      super.write(c);
    }

    @Override
    public void write(char[] text, int offset, int length) throws IOException {
      admitted.requireRight();
      super.write(text, offset, length);
    }

    @Override
    public void write(String text, int offset, int length) throws IOException {
      admitted.requireRight();
      super.write(text, offset, length);
    }

    @Override
    public void flush() throws IOException {
      admitted.requireRight();
      super.flush();
    }
  }

  private static final class GuardedStream extends ServletOutputStream {
    private final ServletOutputStream out;
    private final AdmittedRequest admitted;

    GuardedStream(ServletOutputStream out, AdmittedRequest admitted) {
      this.out = out;
      this.admitted = admitted;
    }

    @Override
    public void write(int b) throws IOException {
      admitted.requireRight();
      out.write(b);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      admitted.requireRight();
      out.write(bytes, offset, length);
    }

    @Override
    public void flush() throws IOException {
      admitted.requireRight();
      out.flush();
    }

    @Override
    public void close() throws IOException {
      admitted.requireRight();
      out.close();
    }

    @Override
    public boolean isReady() {
      return out.isReady();
    }

    @Override
    public void setWriteListener(WriteListener listener) {
      out.setWriteListener(listener);
    }
  }
}
