package io.meshnative.internal.consul;

import static org.awaitility.Awaitility.await;

import io.meshnative.spi.Sink;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A sink that remembers. */
final class Recorder<T> implements Sink<T> {
  final List<T> values = new CopyOnWriteArrayList<>();
  final List<IOException> failures = new CopyOnWriteArrayList<>();

  final List<String> warnings = new CopyOnWriteArrayList<>();

  @Override
  public void accept(T value) {
    values.add(value);
  }

  @Override
  public void failed(IOException cause) {
    failures.add(cause);
  }

  @Override
  public void warning(String message) {
    warnings.add(message);
  }

  T awaitValue() {
    await().atMost(Duration.ofSeconds(60)).until(() -> !values.isEmpty());
    return values.get(values.size() - 1);
  }

  IOException awaitFailure() {
    await().atMost(Duration.ofSeconds(60)).until(() -> !failures.isEmpty());
    return failures.get(failures.size() - 1);
  }
}
