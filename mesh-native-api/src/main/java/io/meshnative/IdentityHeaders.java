package io.meshnative;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The headers by which proxies tell an application who calls it. No proxy stands in front of a
 * server of this library, so whoever sends one of them makes it up (T38): the adapters take them
 * out of every request before it is judged and before the application sees it. Who calls is {@link
 * MeshPeer}.
 *
 * <pre>{@code
 * Map<String, List<String>> headers = IdentityHeaders.stripped(exchange.getRequestHeaders());
 * }</pre>
 *
 * <p>They are Envoy's ({@code x-forwarded-client-cert}, {@code x-envoy-…}), Consul's ({@code
 * x-consul-…}), Linkerd's ({@code l5d-…}), those of terminators of TLS ({@code client-cert} and
 * {@code client-cert-chain} of RFC 9440, {@code x-client-cert…}, {@code ssl-client-…}, {@code
 * x-ssl-client-…}) and those that spell a SPIFFE id ({@code x-spiffe-…}). Letter case does not
 * count, and {@code _} counts as {@code -}, since many frameworks read it so.
 */
public final class IdentityHeaders {
  private static final Set<String> NAMES =
      Set.of("x-forwarded-client-cert", "client-cert", "client-cert-chain");
  private static final String[] PREFIXES = {
    "x-forwarded-client-cert-",
    "x-envoy-",
    "x-consul-",
    "l5d-",
    "x-client-cert",
    "ssl-client-",
    "x-ssl-client-",
    "x-spiffe-"
  };

  private IdentityHeaders() {}

  /**
   * Tells whether a header speaks of the caller's identity.
   *
   * @param name the header's name, in any letter case
   * @return true if the application must not see what a caller says there
   */
  public static boolean contains(String name) {
    String plain = name.toLowerCase(Locale.ROOT).replace('_', '-');
    if (NAMES.contains(plain)) {
      return true;
    }
    for (String prefix : PREFIXES) { // asked of each header of each request
      if (plain.startsWith(prefix)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns headers without those that speak of the caller's identity.
   *
   * @param headers the headers by name; not changed
   * @param <V> what stands under a name
   * @return a new map of the others, in the order given
   */
  public static <V> Map<String, V> stripped(Map<String, V> headers) {
    Map<String, V> kept = new LinkedHashMap<>();
    headers.forEach((name, value) -> {
      if (!contains(name)) {
        kept.put(name, value);
      }
    });
    return kept;
  }
}
