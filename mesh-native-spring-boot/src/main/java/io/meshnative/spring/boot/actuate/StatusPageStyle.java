package io.meshnative.spring.boot.actuate;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/** How the status page looks, and the policy by which browsers apply nothing else. */
final class StatusPageStyle {
  static final String CSS =
      """
      :root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#57606a;--line:#8c959f;--band:#f3f5f7;\
      --good:#116329;--bad:#a40e26;--bar:#0b5cad;--past:#6e7781}
      @media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--soft:#a9b3be;--line:#6e7681;\
      --band:#161b22;--good:#56d364;--bad:#ff8f87;--bar:#79c0ff;--past:#8b949e}}
      *{box-sizing:border-box}
      body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--paper);color:var(--ink);\
      font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
      h1{font-size:1.6rem;margin:.5rem 0}
      h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}
      dl{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.25rem 1rem;margin:.5rem 0}
      dt{color:var(--soft)}
      dd{margin:0}
      .scroll{overflow-x:auto;margin:.75rem 0}
      table{border-collapse:collapse;width:100%;min-width:36rem}
      caption{text-align:left;font-weight:600;padding:.25rem 0}
      th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
      thead th{background:var(--band)}
      .good{color:var(--good);font-weight:600}
      .bad{color:var(--bad);font-weight:600}
      form{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:end;margin:.75rem 0}
      label{display:block;color:var(--soft)}
      input,select,button{font:inherit;color:var(--ink);background:var(--paper);\
      border:1px solid var(--line);border-radius:.25rem;padding:.35rem .5rem;max-width:100%}
      button{background:var(--band);cursor:pointer}
      .answer{border-left:.3rem solid var(--line);padding:.5rem 1rem;background:var(--band)}
      svg{width:100%;min-width:12rem;height:1.2rem;display:block}
      .life{fill:var(--band);stroke:var(--line)}
      .left{fill:var(--bar)}
      .past{fill:var(--past)}
      .now{fill:var(--ink)}
      @media (max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
      """;

  /** No script, no picture, no font, no frame; forms lead back here. */
  static final String POLICY =
      "default-src 'none'; style-src 'sha256-"
          + sha256(CSS)
          + "'; img-src data:; form-action 'self'; base-uri 'none'";

  private StatusPageStyle() {}

  private static String sha256(String text) {
    try {
      return Base64.getEncoder()
          .encodeToString(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("expected SHA-256, which every Java has", e);
    }
  }
}
