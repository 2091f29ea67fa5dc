package io.meshnative;

import io.meshnative.intention.Decision;

/** The policy denies a connection or a request. The decision says which rule. */
public final class MeshAuthorizationException extends MeshException {
  private static final long serialVersionUID = 1L;
  private final transient Decision.Denied decision;

  /**
   * Makes the exception.
   *
   * @param message who may not call whom, which rule says so, and what to do
   * @param decision the decision
   */
  public MeshAuthorizationException(String message, Decision.Denied decision) {
    super(message);
    this.decision = decision;
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
