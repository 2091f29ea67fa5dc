package io.meshnative;

import io.meshnative.intention.Decision;
import java.util.OptionalLong;

/** The policy denies a connection or a request. The decision says which rule. */
public final class MeshAuthorizationException extends MeshException {
  private static final long serialVersionUID = 1L;
  private final transient Decision.Denied decision;
  private final long policyVersion;

  /**
   * Makes the exception.
   *
   * @param message who may not call whom, which rule says so, and what to do
   * @param decision the decision
   */
  public MeshAuthorizationException(String message, Decision.Denied decision) {
    this(message, decision, -1);
  }

  /**
   * Makes the exception.
   *
   * @param message who may not call whom, which rule says so, and what to do
   * @param decision the decision
   * @param policyVersion the number of the policy that decided; -1 if it is not known
   */
  public MeshAuthorizationException(String message, Decision.Denied decision, long policyVersion) {
    super(message);
    this.decision = decision;
    this.policyVersion = policyVersion;
  }

  /**
   * Returns which policy decided.
   *
   * @return the number, as in {@link MeshEvent.PolicyChanged}; empty if it is not known
   */
  public OptionalLong policyVersion() {
    return policyVersion < 0 ? OptionalLong.empty() : OptionalLong.of(policyVersion);
  }

  /**
   * Returns the decision.
   *
   * @return the denial with its rule
   */
  public Decision.Denied decision() {
    return decision;
  }
}
