package io.meshnative.intention;

import io.meshnative.identity.ConsulId;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The intentions of one destination, compiled: who may call it.
 *
 * <pre>{@code
 * IntentionTable table = IntentionTable.compile(
 *     new Intention.Destination("default", "default", "billing"), intentions, DefaultDecision.DENY);
 * Decision decision = table.decide(caller);            // layer 4
 * Decision decision = table.decide(caller, request);   // layer 7
 * }</pre>
 *
 * <p>The first intention in the order of precedence whose source covers the caller decides; lower
 * ones are not asked, even if no permission of the first matches the request: then the default
 * decides. Names of sources compare exactly. A wildcard covers callers of its own partition and of
 * the own cluster only. The table knows no trust domain: whoever asks it has to see that the caller
 * is of the own one; intentions about peered clusters' services never match.
 *
 * <p><b>Fails closed.</b> If any intention of the destination cannot be applied as written (an
 * unknown field, an expression that does not compile, two that contradict each other), everything
 * is denied and {@link #defect()} says why: skipping a rule that may be a deny would open what it
 * closes. An exception inside a decision is a denial too. What needs a JWT is denied, since none is
 * verified here.
 *
 * <p>Immutable and thread-safe. Deciding takes a few hash lookups, no lock, and where the answer is
 * {@link Decision.Allowed} no allocation, unless a rule has a regular expression.
 */
public final class IntentionTable {
  private static final Decision FAILED =
      Defaults.denied(Decision.Cause.EVALUATION_FAILED, Reason.of("the evaluation failed"));

  private final String name;
  private final List<Intention> covering;
  private final SourceIndex index;
  private final Decision unmatched;
  private final Decision.@Nullable Denied everything;

  private IntentionTable(
      String name,
      List<Intention> covering,
      SourceIndex index,
      Decision unmatched,
      Decision.@Nullable Denied everything) {
    this.name = name;
    this.covering = covering;
    this.index = index;
    this.unmatched = unmatched;
    this.everything = everything;
  }

  /**
   * Compiles a table.
   *
   * @param destination the service that is called, a concrete one; its names compare without regard
   *     to letter case
   * @param intentions any intentions; those about other destinations are left out
   * @param defaultDecision what happens where no intention, or no permission of it, matches
   * @return the table; never fails because of what an intention says, see {@link #defect()}
   */
  public static IntentionTable compile(
      Intention.Destination destination,
      Collection<Intention> intentions,
      DefaultDecision defaultDecision) {
    List<Intention> covering = List.copyOf(Coverage.of(destination, intentions));
    SourceIndex index = new SourceIndex();
    Intention previous = null;
    for (Intention intention : covering) {
      try {
        Coverage.check(intention);
        if (previous != null) {
          Coverage.checkNeighbours(previous, intention);
        }
        index.add(CompiledIntention.compile(intention, defaultDecision));
      } catch (UnusableRuleException e) {
        return unusable(destination, covering, intention, e.getMessage());
      } catch (RuntimeException | StackOverflowError e) {
        return unusable(destination, covering, intention, e.toString());
      }
      previous = intention;
    }
    return new IntentionTable(
        destination.toString(),
        covering,
        index,
        Defaults.decision("no intention matches", null, defaultDecision),
        null);
  }

  private static IntentionTable unusable(
      Intention.Destination destination,
      List<Intention> covering,
      Intention intention,
      @Nullable String defect) {
    Reason reason =
        Reason.of(
            "everything is denied for "
                + destination
                + " until its intention "
                + intention
                + " is corrected: "
                + defect);
    Decision.Denied denied = Defaults.denied(Decision.Cause.DEFECTIVE_POLICY, reason);
    return new IntentionTable(destination.toString(), covering, new SourceIndex(), denied, denied);
  }

  /**
   * Returns a table that denies everything with {@link Decision.Cause#NO_POLICY}.
   *
   * @param reason why there is no policy, for people
   * @return the table
   */
  public static IntentionTable denyAll(String reason) {
    return denyAll(Decision.Cause.NO_POLICY, reason);
  }

  /**
   * Returns a table that denies everything.
   *
   * @param cause why, for programs
   * @param reason why, for people
   * @return the table
   */
  public static IntentionTable denyAll(Decision.Cause cause, String reason) {
    Decision.Denied denied =
        Defaults.denied(
            Objects.requireNonNull(cause, "cause"),
            Reason.of(Objects.requireNonNull(reason, "reason")));
    return new IntentionTable("no policy", List.of(), new SourceIndex(), denied, denied);
  }

  /**
   * Decides on a connection. An intention with layer-7 permissions denies with {@link
   * Decision.Cause#NEEDS_REQUEST}.
   *
   * @param source the caller, as its certificate proves
   * @return the decision; never throws
   */
  public Decision decide(ConsulId.Service source) {
    try {
      CompiledIntention winner = index.find(source);
      return winner == null ? unmatched : winner.decide();
    } catch (RuntimeException | Error e) {
      return failed(e, null);
    }
  }

  /**
   * Decides on a request.
   *
   * @param source the caller, as its certificate proves
   * @param request the request that will be handled
   * @return the decision; a denial holds the request; never throws
   */
  public Decision decide(ConsulId.Service source, HttpRequestView request) {
    try {
      Objects.requireNonNull(request, "request");
      CompiledIntention winner = index.find(source);
      if (winner != null) {
        return winner.decide(request);
      }
      return unmatched instanceof Decision.Denied denied ? denied.of(request) : unmatched;
    } catch (RuntimeException | Error e) {
      return failed(e, request);
    }
  }

  /** A bug, or memory at its end, must not let anybody in (T43). */
  private static Decision failed(Throwable e, @Nullable HttpRequestView request) {
    try {
      Decision.Denied denied =
          Defaults.denied(
              Decision.Cause.EVALUATION_FAILED,
              Reason.of("the evaluation failed with " + e.getClass().getName()));
      return request == null ? denied : denied.of(request);
    } catch (Error again) { // there is no memory left for the sentence
      return FAILED;
    }
  }

  /**
   * Returns whether the intention that decides for this source has permissions, so that its
   * requests have to be judged one by one.
   *
   * @param source the caller
   * @return whether to call {@link #decide(ConsulId.Service, HttpRequestView)}
   */
  public boolean needsRequest(ConsulId.Service source) {
    CompiledIntention winner = index.find(source);
    return winner != null && winner.needsRequest();
  }

  /**
   * Returns the intention that decides for this source.
   *
   * @param source the caller
   * @return the intention; empty where the default decides, or everything is denied
   */
  public Optional<Intention> match(ConsulId.Service source) {
    CompiledIntention winner = index.find(source);
    return winner == null ? Optional.empty() : winner.intention();
  }

  /**
   * Returns whether the policy beyond doubt refuses every connection of this source: by a layer-4
   * intention that says deny, or because none matches and the default is deny. The calling side may
   * then save the dial. Where this side cannot know (permissions, tokens, defects, an unknown
   * default), the answer is no: the peer decides.
   *
   * @param source the caller
   * @return whether a dial is pointless
   */
  public boolean definitelyDenies(ConsulId.Service source) {
    if (everything != null) {
      return false;
    }
    CompiledIntention winner = index.find(source);
    if (winner != null) {
      return winner.definitelyDenies();
    }
    return unmatched instanceof Decision.Denied denied && denied.cause() == Decision.Cause.DEFAULT;
  }

  /**
   * Returns the number of intentions about the destination.
   *
   * @return the number, those included that a broader one always overrules
   */
  public int size() {
    return covering.size();
  }

  /**
   * Returns the intentions about the destination.
   *
   * @return an unmodifiable list, the one that decides first at the front; also where a defect
   *     denies everything
   */
  public List<Intention> intentions() {
    return covering;
  }

  /**
   * Returns why everything is denied, if it is.
   *
   * @return the reason, one line; empty for a usable table
   */
  public Optional<String> defect() {
    return everything == null ? Optional.empty() : Optional.of(everything.reason());
  }

  /** Returns the destination, the number of intentions and the defect, if there is one. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "IntentionTable[%s, %d %s%s]",
        name,
        covering.size(),
        covering.size() == 1 ? "intention" : "intentions",
        everything == null ? "" : ", denies everything: " + everything.reason());
  }
}
