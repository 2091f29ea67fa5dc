package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.intention.Intention;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The intentions of the own service: {@code GET /v1/connect/intentions/match}, by destination or by
 * source.
 *
 * <p>Consul before 1.9 blocks on {@code match} but sends no {@code X-Consul-Index}; it is then
 * taken from {@code GET /v1/connect/intentions}, always <em>before</em> the list that it is to
 * stand for, so that a change between the two calls wakes the next one instead of being lost. Found
 * out by the header's absence, not by a version.
 */
final class MatchQuery implements Query<List<Intention>> {
  /** Short enough that the default decision is asked for again within a minute, in between. */
  static final Duration HOLD = Duration.ofSeconds(50);

  private static final AgentCall LIST = AgentCall.get("connect", "intentions");

  private final Wiring wiring;
  private final Calls calls;
  private final boolean inbound;
  private final IntentionDecoder decoder;
  private boolean headerless;

  MatchQuery(Wiring wiring, Calls calls, boolean inbound) {
    this.wiring = wiring;
    this.calls = calls;
    this.inbound = inbound;
    this.decoder = new IntentionDecoder(wiring.config().toleratedIntentionFields());
  }

  @Override
  public String name() {
    return "GET /v1/connect/intentions/match by " + (inbound ? "destination" : "source");
  }

  @Override
  public void unusable(int inARow, IOException failure) {
    wiring.client().unusable(name(), inARow, failure);
  }

  @Override
  public Duration hold() {
    return HOLD;
  }

  @Override
  public Answer read(long index) throws ControlPlaneException {
    if (index != 0) {
      return match(index); // without a header its index is 0: the next call reads anew
    }
    if (!headerless) {
      Answer answer = match(0);
      headerless = answer.index() == 0;
      if (!headerless) {
        return answer;
      }
    }
    Answer listed = wiring.client().execute(LIST, calls);
    Answer answer = match(0);
    headerless = answer.index() == 0;
    boolean sameLink = listed.link() == answer.link();
    return headerless && sameLink ? answer.withIndex(listed.index()) : answer;
  }

  private Answer match(long index) throws ControlPlaneException {
    return wiring.client().execute(call().blocking(index, HOLD), calls);
  }

  private AgentCall call() {
    return AgentCall.get("connect", "intentions", "match")
        .with("by", inbound ? "destination" : "source")
        .with("name", wiring.service())
        .needing("intentions:read on \"" + wiring.service() + "\"");
  }

  @Override
  public List<Intention> decode(Answer answer) throws ControlPlaneException {
    return decoder.decode(name(), answer.body(), wiring.service());
  }

  @Override
  public boolean vanished(List<Intention> last, List<Intention> fresh) {
    return fresh.isEmpty() && !last.isEmpty();
  }

  @Override
  public Answer confirm() throws ControlPlaneException {
    return wiring.client().execute(call().with("consistent", null), calls);
  }

  /** What we may not read of our upstreams' intentions, the peer decides. Our own we must read. */
  @Override
  public @Nullable List<Intention> instead(ControlPlaneException failure) {
    return !inbound && failure.status().orElse(0) == 403 ? List.of() : null;
  }
}
