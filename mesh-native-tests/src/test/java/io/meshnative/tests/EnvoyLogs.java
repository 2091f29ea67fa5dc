package io.meshnative.tests;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/** A test that fails shows the last that each Envoy of it has logged. */
final class EnvoyLogs implements TestExecutionExceptionHandler {
  /** A log is no failure of its own: it has no stack. */
  private static final class Logged extends RuntimeException {
    private static final long serialVersionUID = 1;

    Logged(String log) {
      super("Envoy's log:\n" + log, null, false, false);
    }
  }

  @Override
  public void handleTestExecutionException(ExtensionContext context, Throwable failure)
      throws Throwable {
    for (String log : EnvoyProcess.logsOfTheRunning()) {
      failure.addSuppressed(new Logged(log));
    }
    throw failure;
  }
}
