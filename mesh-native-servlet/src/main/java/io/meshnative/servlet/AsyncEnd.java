package io.meshnative.servlet;

import io.meshnative.servlet.internal.AdmittedRequest;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/** Ends the right of an asynchronous request with its response, and the response with the right. */
final class AsyncEnd implements AsyncListener {
  private static final Logger LOG = System.getLogger("io.meshnative.servlet");

  private final AdmittedRequest admitted;

  private AsyncEnd(AdmittedRequest admitted) {
    this.admitted = admitted;
  }

  static void of(AsyncContext context, AdmittedRequest admitted) {
    try {
      context.addListener(new AsyncEnd(admitted));
    } catch (IllegalStateException e) {
      admitted.end(); // another thread was faster: it is complete already
      return;
    }
    admitted.onWithdrawn(reason -> complete(context));
  }

  private static void complete(AsyncContext context) {
    try {
      context.complete();
    } catch (IllegalStateException e) {
      LOG.log(Level.DEBUG, "the request whose right was withdrawn has ended by itself", e);
    }
  }

  @Override
  public void onComplete(AsyncEvent event) {
    admitted.end();
  }

  /** The completion comes after it. */
  @Override
  public void onTimeout(AsyncEvent event) {}

  /** The completion comes after it. */
  @Override
  public void onError(AsyncEvent event) {}

  /** Listeners are heard for one cycle only. */
  @Override
  public void onStartAsync(AsyncEvent event) {
    of(event.getAsyncContext(), admitted);
  }
}
