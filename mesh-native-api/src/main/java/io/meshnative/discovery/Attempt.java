package io.meshnative.discovery;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The account of one dial and of the connection that comes of it.
 *
 * <pre>{@code
 * Attempt attempt = pool.begin(endpoint);
 * try {
 *   socket = connectAndShakeHands(endpoint);
 *   attempt.succeeded();        // the endpoint works; it has one more connection until closed()
 * } catch (IOException e) {
 *   attempt.failed();           // counts towards ejection; ends the attempt
 * }
 * ...
 * attempt.closed();             // when the connection ends, or the dial was given up
 * }</pre>
 *
 * <p>The first of {@code succeeded}, {@code failed} and {@code closed} says how the dial went;
 * whatever comes after can only end the attempt, once. Thread-safe; never blocks for long.
 */
public final class Attempt {
  private static final int DIALLING = 0;
  private static final int CONNECTED = 1;
  private static final int ENDED = 2;

  private final EndpointPool pool;
  private final Endpoint endpoint;
  private final EndpointRecord record;
  private final AtomicInteger phase = new AtomicInteger(DIALLING);

  Attempt(EndpointPool pool, Endpoint endpoint, EndpointRecord record) {
    this.pool = pool;
    this.endpoint = endpoint;
    this.record = record;
  }

  /**
   * Returns where the attempt goes.
   *
   * @return the endpoint
   */
  public Endpoint endpoint() {
    return endpoint;
  }

  /**
   * Says that the connection stands and the peer is who it should be. Clears the endpoint's
   * failures.
   */
  public void succeeded() {
    if (phase.compareAndSet(DIALLING, CONNECTED)) {
      pool.succeeded(record);
    }
  }

  /**
   * Says that connecting or the handshake failed. Ends the attempt, and counts towards ejection.
   */
  public void failed() {
    if (phase.compareAndSet(DIALLING, ENDED)) {
      record.end();
      pool.failed(record);
    } else {
      closed();
    }
  }

  /**
   * Says that the connection has ended, or that the dial was given up for no fault of the endpoint.
   */
  public void closed() {
    if (phase.getAndSet(ENDED) != ENDED) {
      record.end();
    }
  }

  /** Returns the endpoint and the phase. */
  @Override
  public String toString() {
    String state =
        switch (phase.get()) {
          case DIALLING -> "dialling";
          case CONNECTED -> "connected";
          default -> "ended";
        };
    return "Attempt[" + endpoint + ", " + state + "]";
  }
}
