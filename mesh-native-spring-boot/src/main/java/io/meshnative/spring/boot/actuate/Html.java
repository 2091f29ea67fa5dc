package io.meshnative.spring.boot.actuate;

import org.jspecify.annotations.Nullable;

/**
 * A page in the making. What is put in by {@link #text} is text, whatever it holds: names and
 * reasons are written by other people's services and policies.
 */
final class Html {
  private static final int MAX = 1024;

  private final StringBuilder page = new StringBuilder(16_384);

  /** Markup of our own; a constant, never something that was read. */
  Html markup(String constant) {
    page.append(constant);
    return this;
  }

  /**
   * One line of text, bounded; characters that steer terminals or the direction of text are not.
   */
  Html text(@Nullable Object value) {
    String text = String.valueOf(value);
    for (int i = 0; i < text.length() && i < MAX; i++) {
      escape(text.charAt(i));
    }
    if (text.length() > MAX) {
      page.append('…');
    }
    return this;
  }

  private void escape(char c) {
    switch (c) {
      case '&' -> page.append("&amp;");
      case '<' -> page.append("&lt;");
      case '>' -> page.append("&gt;");
      case '"' -> page.append("&quot;");
      case '\'' -> page.append("&#39;");
      default -> page.append(isHarmless(c) ? c : '?');
    }
  }

  private static boolean isHarmless(char c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.UNASSIGNED,
          Character.PRIVATE_USE,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }

  /** A cell of a table. */
  Html cell(@Nullable Object value) {
    return markup("<td>").text(value == null ? "–" : value).markup("</td>");
  }

  /** A cell that names its row. */
  Html rowHeader(Object value) {
    return markup("<th scope=\"row\">").text(value).markup("</th>");
  }

  /** Begins a table that scrolls by itself where it is wider than the screen. */
  Html table(String id, String caption, String... headers) {
    markup("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"")
        .text(id)
        .markup("\"><table><caption id=\"")
        .text(id)
        .markup("\">")
        .text(caption)
        .markup("</caption><thead><tr>");
    for (String header : headers) {
      markup("<th scope=\"col\">").text(header).markup("</th>");
    }
    return markup("</tr></thead><tbody>");
  }

  /** Ends a table; where it has no rows, says so. */
  Html endTable(boolean empty, int columns, String instead) {
    if (empty) {
      markup("<tr><td colspan=\"").text(columns).markup("\">").text(instead).markup("</td></tr>");
    }
    return markup("</tbody></table></div>\n");
  }

  /** A row of a list of terms. */
  Html term(String term, @Nullable Object value) {
    return markup("<dt>")
        .text(term)
        .markup("</dt><dd>")
        .text(value == null ? "–" : value)
        .markup("</dd>\n");
  }

  @Override
  public String toString() {
    return page.toString();
  }
}
