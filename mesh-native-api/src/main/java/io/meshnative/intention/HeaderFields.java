package io.meshnative.intention;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Checks the headers of a request and puts them under their one spelling. */
final class HeaderFields {
  private HeaderFields() {}

  /** Returns the fields by lower-case name; names that differ in letter case only are one field. */
  static Map<String, HeaderField> of(Map<String, List<String>> headers)
      throws MalformedRequestException {
    Map<String, List<String>> lines = new HashMap<>();
    for (Map.Entry<String, List<String>> header : headers.entrySet()) {
      String name = name(header.getKey());
      for (String value : header.getValue()) {
        lines.computeIfAbsent(name, key -> new ArrayList<>(1)).add(value(name, value));
      }
    }
    Map<String, HeaderField> fields = new HashMap<>();
    lines.forEach((name, values) -> fields.put(name, HeaderField.of(values)));
    return fields;
  }

  private static String name(String name) throws MalformedRequestException {
    if (name.isEmpty()) {
      throw new MalformedRequestException("expected the name of a header, found an empty one");
    }
    int foreign = Tokens.firstForeign(name);
    if (foreign >= 0) {
      throw new MalformedRequestException(
          "expected header names that are tokens (RFC 9110 §5.1), found "
              + Printable.codePoint(name.charAt(foreign))
              + " in "
              + Printable.quote(name));
    }
    if (name.indexOf('_') >= 0) {
      // CGI and its heirs read x_role and x-role as one; a rule would see two (T36).
      throw new MalformedRequestException(
          "expected header names without '_', found "
              + Printable.quote(name)
              + "; many servers read '_' as '-', so such a header could get around a rule: send it"
              + " with '-'");
    }
    return name.toLowerCase(Locale.ROOT);
  }

  private static String value(String name, String value) throws MalformedRequestException {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      boolean allowed = (c >= 0x20 && c <= 0x7e) || c == '\t';
      if (!allowed) {
        throw new MalformedRequestException(
            "expected printable ASCII in the header "
                + Printable.quote(name)
                + ", found "
                + Printable.codePoint(c)
                + " at position "
                + i);
      }
    }
    int start = 0;
    int end = value.length();
    while (start < end && isBlank(value.charAt(start))) {
      start++;
    }
    while (end > start && isBlank(value.charAt(end - 1))) {
      end--;
    }
    return value.substring(start, end);
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t';
  }
}
