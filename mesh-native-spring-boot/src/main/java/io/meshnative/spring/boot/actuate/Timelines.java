package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshSnapshot;
import io.meshnative.identity.TrustBundle;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** The lives of the certificates that count, and when they were replaced. */
final class Timelines {
  private static final int WIDTH = 1000;

  private Timelines() {}

  static void write(
      Html html,
      MeshClient mesh,
      MeshSnapshot now,
      List<MeshEvent.TrustChanged> rotations,
      Instant at) {
    html.markup("<section aria-labelledby=\"lives\"><h2 id=\"lives\">Until when?</h2>\n")
        .table(
            "certificates",
            "Certificates and roots in force",
            "Certificate",
            "From",
            "Until",
            "Left",
            "Life");
    boolean[] empty = {true};
    now.identity()
        .ifPresent(identity -> {
          List<X509Certificate> chain = identity.chain();
          for (int i = 0; i < chain.size(); i++) {
            empty[0] = false;
            row(html, i == 0 ? "own leaf" : "intermediate " + name(chain.get(i)), chain.get(i), at);
          }
        });
    for (TrustBundle bundle : mesh.trustBundles()) {
      for (X509Certificate root : bundle.roots()) {
        empty[0] = false;
        row(html, "root of " + bundle.trustDomain() + ": " + name(root), root, at);
      }
    }
    html.endTable(empty[0], 5, "There is no identity yet.")
        .table(
            "rotations",
            "The last rotations since the application started",
            "At",
            "Generation",
            "What",
            "Leaf until",
            "Roots");
    for (MeshEvent.TrustChanged each : rotations) {
      html.markup("<tr>")
          .rowHeader(StatusPage.seconds(each.at()))
          .cell(each.generation())
          .cell(each.renewed() ? "a new leaf" : "other roots")
          .cell(StatusPage.seconds(each.notAfter()))
          .cell(each.roots())
          .markup("</tr>");
    }
    html.endTable(rotations.isEmpty(), 5, "None yet.").markup("</section>\n");
  }

  private static String name(X509Certificate certificate) {
    String name = certificate.getSubjectX500Principal().getName();
    return name.isEmpty() ? "serial number " + certificate.getSerialNumber().toString(16) : name;
  }

  private static void row(Html html, String what, X509Certificate certificate, Instant at) {
    Instant from = certificate.getNotBefore().toInstant();
    Instant until = certificate.getNotAfter().toInstant();
    Duration left = Duration.between(at, until);
    html.markup("<tr>")
        .rowHeader(what)
        .cell(from)
        .cell(until)
        .cell(left.isNegative() ? "ended " + StatusPage.span(left) + " ago" : StatusPage.span(left))
        .markup("<td>");
    bar(html, from, until, at);
    html.markup("</td></tr>");
  }

  /** Grey has passed, blue is left. */
  private static void bar(Html html, Instant from, Instant until, Instant at) {
    double life = Math.max(1, Duration.between(from, until).toMillis());
    double lived = Math.min(life, Math.max(0, Duration.between(from, at).toMillis()));
    int past = (int) Math.round(WIDTH * lived / life);
    html.markup("<svg role=\"img\" viewBox=\"0 0 1000 20\" preserveAspectRatio=\"none\"><title>")
        .text(Math.round(100 * lived / life) + " % of its life has passed")
        .markup("</title><rect class=\"life\" x=\"0\" y=\"2\" width=\"1000\" height=\"16\"/>")
        .markup("<rect class=\"past\" x=\"0\" y=\"2\" height=\"16\" width=\"")
        .text(past)
        .markup("\"/><rect class=\"left\" y=\"2\" height=\"16\" x=\"")
        .text(past)
        .markup("\" width=\"")
        .text(WIDTH - past)
        .markup("\"/><rect class=\"now\" y=\"0\" height=\"20\" width=\"6\" x=\"")
        .text(Math.min(WIDTH - 6, past))
        .markup("\"/></svg>");
  }
}
