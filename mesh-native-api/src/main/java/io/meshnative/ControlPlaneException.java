package io.meshnative;

import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The control plane did not answer, refused, or answered what cannot be used. The last good state
 * goes on.
 */
public final class ControlPlaneException extends MeshException {
  private static final long serialVersionUID = 1L;
  private final int status;
  private final @Nullable String missingAcl;

  /**
   * Makes the exception.
   *
   * @param message the call, what was expected, what was found, what to do
   * @param status the HTTP status, or 0 if there was no answer
   * @param missingAcl the ACL rule that is missing, such as {@code service:write on "web"}; null if
   *     none is
   * @param cause why, if another exception tells
   */
  public ControlPlaneException(
      String message, int status, @Nullable String missingAcl, @Nullable Throwable cause) {
    super(message, cause);
    this.status = status;
    this.missingAcl = missingAcl;
  }

  /**
   * Returns the HTTP status.
   *
   * @return the status, empty if there was no answer
   */
  public OptionalInt status() {
    return status == 0 ? OptionalInt.empty() : OptionalInt.of(status);
  }

  /**
   * Returns the ACL rule that is missing.
   *
   * @return the rule, empty if the failure is of another kind
   */
  public Optional<String> missingAcl() {
    return Optional.ofNullable(missingAcl);
  }
}
