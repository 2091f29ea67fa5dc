package io.meshnative.internal.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.util.Set;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * The addresses and options of a socket that may not be connected yet: with a channel they are
 * those of its raw socket, without one they are remembered. Nothing reaches the implementation that
 * {@code Socket} itself carries, which stays unused.
 */
@SuppressWarnings("UnsynchronizedOverridesSynchronized") // Monitors pin virtual threads.
abstract class OptionsSocket extends SSLSocket {
  final SocketSettings settings = new SocketSettings();

  /** The channel, or null as long as there is none. */
  abstract @Nullable TlsChannel channel();

  private <T> void set(SocketOption<T> option, T value) throws SocketException {
    try {
      setOption(option, value);
    } catch (SocketException e) {
      throw e;
    } catch (IOException e) {
      throw asSocketException(e);
    }
  }

  private <T> T get(SocketOption<T> option) throws SocketException {
    try {
      return getOption(option);
    } catch (SocketException e) {
      throw e;
    } catch (IOException e) {
      throw asSocketException(e);
    }
  }

  private static SocketException asSocketException(IOException e) {
    SocketException made = new SocketException(String.valueOf(e.getMessage()));
    made.initCause(e);
    return made;
  }

  private void requireOpen() throws SocketException {
    if (isClosed()) {
      throw new SocketException("Socket is closed");
    }
    TlsChannel channel = channel();
    if (channel != null) {
      try {
        channel.throwIfEnded();
      } catch (SocketException e) {
        throw e;
      } catch (IOException e) {
        throw asSocketException(e);
      }
    }
  }

  @Override
  public <T> Socket setOption(SocketOption<T> option, T value) throws IOException {
    requireOpen();
    TlsChannel channel = channel();
    if (channel != null) {
      channel.raw().setOption(option, value);
    } else {
      settings.set(option, value);
    }
    return this;
  }

  @Override
  public <T> T getOption(SocketOption<T> option) throws IOException {
    requireOpen();
    TlsChannel channel = channel();
    return channel != null ? channel.raw().getOption(option) : settings.get(option);
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    TlsChannel channel = channel();
    return channel != null ? channel.raw().supportedOptions() : SocketSettings.supported();
  }

  @Override
  public void setSoTimeout(int millis) throws SocketException {
    requireOpen();
    settings.soTimeout(millis);
    TlsChannel channel = channel();
    if (channel != null) {
      channel.setSoTimeout(millis);
    }
  }

  @Override
  public int getSoTimeout() throws SocketException {
    requireOpen();
    TlsChannel channel = channel();
    return channel != null ? channel.soTimeout() : settings.soTimeout();
  }

  @Override
  public void setSoLinger(boolean on, int seconds) throws SocketException {
    set(StandardSocketOptions.SO_LINGER, on ? seconds : -1);
  }

  @Override
  public int getSoLinger() throws SocketException {
    return get(StandardSocketOptions.SO_LINGER);
  }

  @Override
  public void setTcpNoDelay(boolean value) throws SocketException {
    set(StandardSocketOptions.TCP_NODELAY, value);
  }

  @Override
  public boolean getTcpNoDelay() throws SocketException {
    return get(StandardSocketOptions.TCP_NODELAY);
  }

  @Override
  public void setKeepAlive(boolean value) throws SocketException {
    set(StandardSocketOptions.SO_KEEPALIVE, value);
  }

  @Override
  public boolean getKeepAlive() throws SocketException {
    return get(StandardSocketOptions.SO_KEEPALIVE);
  }

  @Override
  public void setReuseAddress(boolean value) throws SocketException {
    set(StandardSocketOptions.SO_REUSEADDR, value);
  }

  @Override
  public boolean getReuseAddress() throws SocketException {
    return get(StandardSocketOptions.SO_REUSEADDR);
  }

  @Override
  public void setSendBufferSize(int value) throws SocketException {
    set(StandardSocketOptions.SO_SNDBUF, value);
  }

  @Override
  public int getSendBufferSize() throws SocketException {
    return get(StandardSocketOptions.SO_SNDBUF);
  }

  @Override
  public void setReceiveBufferSize(int value) throws SocketException {
    set(StandardSocketOptions.SO_RCVBUF, value);
  }

  @Override
  public int getReceiveBufferSize() throws SocketException {
    return get(StandardSocketOptions.SO_RCVBUF);
  }

  @Override
  public void setTrafficClass(int value) throws SocketException {
    set(StandardSocketOptions.IP_TOS, value);
  }

  @Override
  public int getTrafficClass() throws SocketException {
    return get(StandardSocketOptions.IP_TOS);
  }

  @Override
  public void setPerformancePreferences(int connectionTime, int latency, int bandwidth) {}

  @Override
  public void setOOBInline(boolean on) throws SocketException {
    throw noUrgentData();
  }

  @Override
  public boolean getOOBInline() throws SocketException {
    throw noUrgentData();
  }

  @Override
  public void sendUrgentData(int data) throws SocketException {
    throw noUrgentData();
  }

  private static SocketException noUrgentData() {
    return new SocketException("TLS has no urgent data");
  }

  /** Remembered for the connect; a connected socket is bound already. */
  @Override
  public void bind(@Nullable SocketAddress address) throws IOException {
    requireOpen();
    if (isBound()) {
      throw new SocketException("Already bound");
    }
    settings.bind(address);
  }

  @Override
  public boolean isBound() {
    return channel() != null || settings.local() != null;
  }

  @Override
  public @Nullable InetAddress getInetAddress() {
    TlsChannel channel = channel();
    return channel == null ? null : channel.raw().getInetAddress();
  }

  @Override
  public int getPort() {
    TlsChannel channel = channel();
    return channel == null ? 0 : channel.raw().getPort();
  }

  @Override
  public @Nullable SocketAddress getRemoteSocketAddress() {
    TlsChannel channel = channel();
    return channel == null ? null : channel.raw().getRemoteSocketAddress();
  }

  @Override
  public InetAddress getLocalAddress() {
    TlsChannel channel = channel();
    return channel != null
        ? channel.raw().getLocalAddress()
        : new InetSocketAddress(0).getAddress();
  }

  @Override
  public int getLocalPort() {
    TlsChannel channel = channel();
    return channel == null ? -1 : channel.raw().getLocalPort();
  }

  @Override
  public @Nullable SocketAddress getLocalSocketAddress() {
    TlsChannel channel = channel();
    return channel == null ? settings.local() : channel.raw().getLocalSocketAddress();
  }

  /** There is none: TLS needs the streams. */
  @Override
  public @Nullable SocketChannel getChannel() {
    return null;
  }

  @Override
  public String toString() {
    TlsChannel channel = channel();
    String state = isClosed() ? "closed" : channel == null ? "not connected" : "connected";
    return "MeshSocket[" + state + (channel == null ? "" : ", " + channel) + "]";
  }
}
