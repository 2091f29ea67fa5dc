package io.meshnative.consul;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A setting that can be given once. */
final class Setting<T> {
  private final String name;
  private @Nullable T value;

  Setting(String name) {
    this.name = name;
  }

  void set(T given) {
    Objects.requireNonNull(given, name);
    if (value != null) {
      throw new IllegalStateException("expected " + name + " once, found it given twice");
    }
    value = given;
  }

  void orElse(@Nullable T other) {
    if (value == null) {
      value = other;
    }
  }

  void copyTo(Setting<T> target) {
    target.value = value;
  }

  void replace(T other) {
    value = other;
  }

  boolean isSet() {
    return value != null;
  }

  @Nullable T get() {
    return value;
  }
}
