package io.meshnative.spring.boot.starter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;

/** Whether people can read what a browser shows. */
final class Readability {
  /** The lowest contrast of any text with what is behind it, by WCAG's formula. */
  private static final String CONTRAST =
      """
      (() => {
        const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
        const light = c => {
          const [r, g, b] = rgb(c).map(v => v / 255)
              .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const behind = e => {
          for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor;
            if (rgb(c).length === 3 || rgb(c)[3] > 0) return c;
          }
          return 'canvas';
        };
        let worst = [99, ''];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const node = walker.currentNode;
          if (!node.data.trim() || node.parentElement.closest('svg')) continue;
          const a = light(getComputedStyle(node.parentElement).color);
          const b = light(behind(node.parentElement));
          const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          if (ratio < worst[0]) worst = [ratio, node.data.trim()];
        }
        return worst;
      })()\
      """;

  static void assertReadable(Chromium browser, String as) {
    List<?> worst = (List<?>) Objects.requireNonNull(browser.evaluate(CONTRAST));
    assertThat(((Number) worst.get(0)).doubleValue())
        .as(as + ": contrast of \"" + worst.get(1) + "\"")
        .isBetween(4.5, 21.5);
    assertThat(
            ((Number)
                    Objects.requireNonNull(
                        browser.evaluate(
                            "document.documentElement.scrollWidth - window.innerWidth")))
                .intValue())
        .as(as + ": pixels beyond the screen")
        .isLessThanOrEqualTo(0);
  }

  static void assertAccessible(Chromium browser) {
    assertThat(browser.evaluate("document.documentElement.lang")).isEqualTo("en");
    assertThat(browser.evaluate("document.querySelectorAll('h1').length")).isEqualTo(1.0);
    assertThat(browser.evaluate("document.querySelectorAll('main section h2').length"))
        .isEqualTo(browser.evaluate("document.querySelectorAll('main section').length"));
    assertThat(
            browser.evaluate(
                "[...document.querySelectorAll('table')].filter(t => !t.caption"
                    + " || !t.caption.innerText.trim() || !t.querySelector('th[scope=col]')).length"))
        .isEqualTo(0.0);
    assertThat(
            browser.evaluate(
                "[...document.querySelectorAll('input,select')].filter(i => !i.labels.length)"
                    + ".length"))
        .isEqualTo(0.0);
    assertThat(
            browser.evaluate(
                "[...document.querySelectorAll('svg')].filter(s => !s.querySelector('title')"
                    + ".textContent).length"))
        .isEqualTo(0.0);
    assertThat(
            browser.evaluate(
                "(ids => ids.length - new Set(ids).size)"
                    + "([...document.querySelectorAll('[id]')].map(e => e.id))"))
        .as("ids that are there twice")
        .isEqualTo(0.0);
  }

  private Readability() {}
}
