package io.meshnative.internal.transport;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;

/**
 * The two streams of a socket. Closing either closes the socket; the first I/O performs the
 * handshake.
 */
final class ChannelStreams {
  private ChannelStreams() {}

  static final class Input extends InputStream {
    private final MeshSocket socket;
    private final TlsChannel channel;

    Input(MeshSocket socket, TlsChannel channel) {
      this.socket = socket;
      this.channel = channel;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, bytes.length);
      if (length > 0) {
        socket.startHandshake();
      }
      return channel.read(bytes, offset, length);
    }

    /** Skips what one read gives, so that it blocks only while there is nothing to skip. */
    @Override
    public long skip(long count) throws IOException {
      byte[] dropped = new byte[(int) Math.min(8192, Math.max(0, count))];
      return Math.max(0, read(dropped, 0, dropped.length));
    }

    @Override
    public int available() throws IOException {
      return channel.available();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  static final class Output extends OutputStream {
    private final MeshSocket socket;
    private final TlsChannel channel;

    Output(MeshSocket socket, TlsChannel channel) {
      this.socket = socket;
      this.channel = channel;
    }

    @Override
    public void write(int value) throws IOException {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, bytes.length);
      socket.startHandshake();
      channel.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
