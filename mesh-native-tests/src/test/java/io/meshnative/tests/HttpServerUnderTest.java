package io.meshnative.tests;

import io.meshnative.MeshClient;

/**
 * An HTTP server of a mesh service, on one adapter, with the {@link RecordingApplication} behind
 * it. Whoever writes an adapter implements this and names it in {@link HttpServerKind}; the attacks
 * come from {@link HttpAttacks}.
 *
 * <p>The application is mapped twice, so that routing shows: to everything, and to {@code /admin}
 * with what is below it. It is given the limits that the container has by default.
 */
interface HttpServerUnderTest extends AutoCloseable {
  /** The port of the loopback that it listens on. */
  int port();

  /** Whether it speaks HTTP/2 to a client that offers it by ALPN. */
  boolean http2();

  /** Whether requests are being judged: the gate is armed once that is proven. */
  boolean armed();

  @Override
  void close() throws Exception;

  /** Starts a server of an adapter. */
  interface Factory {
    /**
     * Starts it.
     *
     * @param service whose identity it has; ready; closed by the caller, after the server
     * @param application what it runs
     */
    HttpServerUnderTest start(MeshClient service, RecordingApplication application)
        throws Exception;
  }
}
