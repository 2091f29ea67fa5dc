package io.meshnative.tests;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * What the library and the test kit log on the way is not for the build's output; tests assert on
 * events.
 */
final class Quiet implements BeforeAllCallback {
  /** Held, since the log manager holds loggers weakly. */
  private static final List<Logger> SILENCED =
      Stream.of("io.meshnative", "mockwebserver3", "okhttp3").map(Logger::getLogger).toList();

  @Override
  public void beforeAll(ExtensionContext context) {
    SILENCED.forEach(logger -> logger.setLevel(Level.OFF));
  }
}
