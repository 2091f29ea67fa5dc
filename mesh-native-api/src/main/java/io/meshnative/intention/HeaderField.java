package io.meshnative.intention;

import java.util.List;

/**
 * What a request says under one header name.
 *
 * @param lines the values as sent, in order, at least one
 * @param joined the values joined with a comma, as Consul's proxies compare them
 */
record HeaderField(List<String> lines, String joined) {
  HeaderField {
    lines = List.copyOf(lines);
  }

  static HeaderField of(List<String> lines) {
    return new HeaderField(lines, lines.size() == 1 ? lines.get(0) : String.join(",", lines));
  }
}
