package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.intention.Intention;
import java.util.List;
import java.util.Set;
import okio.Buffer;

/**
 * Lends the adapter's own decoder of {@code intentions/match} to tests that fetch the answers
 * themselves.
 */
public final class MatchAnswers {
  private MatchAnswers() {}

  /**
   * Decodes an answer.
   *
   * @param body the JSON text
   * @param name the service as it was asked for
   * @return the intentions
   * @throws ControlPlaneException if it is no such answer
   */
  public static List<Intention> decode(String body, String name) throws ControlPlaneException {
    return new IntentionDecoder(Set.of()).decode("match", new Buffer().writeUtf8(body), name);
  }
}
