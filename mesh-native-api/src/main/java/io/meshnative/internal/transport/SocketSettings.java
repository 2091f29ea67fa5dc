package io.meshnative.internal.transport;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What a caller has set on a socket that is not connected yet. Thread-safe. Every option goes to
 * each raw socket before it connects, since buffer sizes count only then; the read timeout goes to
 * the channel.
 */
final class SocketSettings {
  private final Map<SocketOption<?>, Object> options = new ConcurrentHashMap<>();
  private volatile @Nullable SocketAddress local;
  private volatile int soTimeout;

  <T> void set(SocketOption<T> option, T value) {
    options.put(option, value);
  }

  /** What was set, else what a new socket has. */
  <T> T get(SocketOption<T> option) throws IOException {
    Object set = options.get(option);
    if (set != null) {
      @SuppressWarnings("unchecked") // set() put a T under a SocketOption<T>
      T value = (T) set;
      return value;
    }
    if (option.equals(StandardSocketOptions.TCP_NODELAY)) {
      return option.type().cast(true); // RawSockets sets it.
    }
    try (Socket fresh = new Socket()) {
      return fresh.getOption(option);
    }
  }

  static Set<SocketOption<?>> supported() {
    try (Socket fresh = new Socket()) {
      return fresh.supportedOptions();
    } catch (IOException e) {
      return Set.of();
    }
  }

  void bind(@Nullable SocketAddress address) {
    local = address;
  }

  @Nullable SocketAddress local() {
    return local;
  }

  void soTimeout(int millis) {
    if (millis < 0) {
      throw new IllegalArgumentException("expected a timeout of 0 ms or more, found " + millis);
    }
    soTimeout = millis;
  }

  int soTimeout() {
    return soTimeout;
  }

  void applyTo(Socket raw) throws IOException {
    for (Map.Entry<SocketOption<?>, Object> option : options.entrySet()) {
      apply(raw, option.getKey(), option.getValue());
    }
    SocketAddress from = local;
    if (from != null) {
      raw.bind(from);
    }
  }

  private static <T> void apply(Socket raw, SocketOption<T> option, Object value)
      throws IOException {
    raw.setOption(option, option.type().cast(value));
  }
}
