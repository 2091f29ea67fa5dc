package io.meshnative;

/** Something that was subscribed to. Closing ends it; closing twice does nothing. */
public interface Subscription extends AutoCloseable {
  /** Ends the subscription. Does not block; a call in progress may still finish. */
  @Override
  void close();
}
