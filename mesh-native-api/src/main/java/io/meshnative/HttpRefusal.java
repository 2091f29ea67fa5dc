package io.meshnative;

import io.meshnative.intention.MalformedRequestException;
import java.util.Objects;

/**
 * What an HTTP server answers to a request that it does not serve: a status and a short id for
 * programs, the same from every adapter. It tells nothing of the policy; the rule and the request
 * stand in the log, in the event and in the audit record.
 *
 * <pre>{@code
 * HTTP/1.1 403 Forbidden
 * mesh-refusal: permission
 * content-type: text/plain; charset=utf-8
 *
 * permission
 * }</pre>
 *
 * @param status the status, 400 or 403
 * @param id lower-case words joined with {@code -}: a {@link
 *     io.meshnative.intention.Decision.Cause#id cause}, or {@value #MALFORMED}
 */
public record HttpRefusal(int status, String id) {
  /** The header of the answer that holds the id. */
  public static final String HEADER = "mesh-refusal";

  /** The type of the answer's body, which is the id and a line feed. */
  public static final String CONTENT_TYPE = "text/plain; charset=utf-8";

  /** The id of a request that has a second reading. */
  public static final String MALFORMED = "malformed-request";

  /** Checks that nothing is null. */
  public HttpRefusal {
    Objects.requireNonNull(id, "id");
  }

  /**
   * Returns the answer to a request that cannot be canonicalised. The connection is to be closed:
   * what follows on it may have a second reading too (T39).
   *
   * @param cause what is wrong with it; not told to the peer
   * @return 400
   */
  public static HttpRefusal of(MalformedRequestException cause) {
    Objects.requireNonNull(cause, "cause");
    return new HttpRefusal(400, MALFORMED);
  }

  /**
   * Returns the answer to a request or a peer that the policy denies.
   *
   * @param denial why
   * @return 403 with the id of the cause
   */
  public static HttpRefusal of(MeshAuthorizationException denial) {
    return new HttpRefusal(403, denial.decision().cause().id());
  }

  /**
   * Returns the answer's body.
   *
   * @return the id and a line feed
   */
  public String body() {
    return id + "\n";
  }
}
