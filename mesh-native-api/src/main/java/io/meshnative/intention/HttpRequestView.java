package io.meshnative.intention;

import java.util.List;
import java.util.Map;

/** The one canonical request that is judged and handled. */
public final class HttpRequestView {
  private HttpRequestView() {}

  /** Skeleton. */
  public static HttpRequestView of(
      String method, String rawTarget, List<String> hosts, Map<String, List<String>> headers)
      throws MalformedRequestException {
    throw new MalformedRequestException("skeleton");
  }
}
