package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshSnapshot;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.Intention;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes the status page. */
final class StatusPage {
  /** What a browser still shows at once, and a person still reads. */
  private static final int MAX_ROWS = 200;

  private final Clock clock;

  StatusPage(Clock clock) {
    this.clock = clock;
  }

  String render(MeshClient mesh, List<MeshEvent.TrustChanged> rotations, Question question) {
    MeshSnapshot now = mesh.snapshot();
    Instant at = clock.instant();
    Html html = new Html();
    html.markup("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
        .markup("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")
        .markup("<meta name=\"referrer\" content=\"no-referrer\">")
        .markup("<meta http-equiv=\"Content-Security-Policy\" content=\"")
        .text(StatusPageStyle.POLICY)
        .markup("\"><link rel=\"icon\" href=\"data:,\"><title>")
        .text(now.service())
        .markup(" in the mesh</title><style>")
        .markup(StatusPageStyle.CSS)
        .markup("</style></head><body>\n<header><h1>")
        .text(now.service())
        .markup(" is <span class=\"")
        .text(isGood(now) ? "good" : "bad")
        .markup("\">")
        .text(now.state())
        .markup("</span></h1><p>As of <time>")
        .text(seconds(at))
        .markup("</time>.</p></header>\n<main>\n");
    whoAmI(html, now, at);
    Timelines.write(html, mesh, now, rotations, at);
    whomMayICall(html, mesh, now);
    whoCallsMe(html, now);
    why(html, mesh, question);
    denials(html, now);
    return html.markup("</main></body></html>\n").toString();
  }

  private static boolean isGood(MeshSnapshot now) {
    return switch (now.state()) {
      case READY, STALE -> now.policyDefect().isEmpty();
      case STARTING, EXPIRED, CLOSED -> false;
    };
  }

  static Instant seconds(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS);
  }

  private static void whoAmI(Html html, MeshSnapshot now, Instant at) {
    html.markup("<section aria-labelledby=\"who\"><h2 id=\"who\">Who am I?</h2>\n<dl>")
        .term("Service", now.service())
        .term("SPIFFE ID", now.identity().map(identity -> identity.id().toString()).orElse(null))
        .term("Trust generation", now.trustGeneration())
        .term("TLS by", now.tlsProvider())
        .term("Handshakes", now.fullHandshakes() + " full, " + now.resumedHandshakes() + " resumed")
        .term("Control plane", contact(now.contact(), at))
        .markup("</dl>\n");
    now.policyDefect()
        .ifPresent(defect ->
            html.markup("<p class=\"bad\">Everything is denied: ").text(defect).markup("</p>\n"));
    if (!now.contact().failing().isEmpty()) {
      html.table("failing", "What the control plane does not answer", "Source", "Since", "Why");
      for (MeshSnapshot.Failing failing : now.contact().failing()) {
        html.markup("<tr>")
            .rowHeader(failing.source())
            .cell(seconds(failing.since()))
            .cell(failing.reason())
            .markup("</tr>");
      }
      html.endTable(false, 3, "");
    }
    html.markup("</section>\n");
  }

  private static String contact(MeshSnapshot.Contact contact, Instant at) {
    if (!contact.failing().isEmpty()) {
      return "away for " + span(contact.lag(at)) + "; the last good state serves";
    }
    return contact
        .lastAnswer()
        .map(answer -> "answers; the last news came at " + seconds(answer))
        .orElse("has not answered yet");
  }

  private static void whomMayICall(Html html, MeshClient mesh, MeshSnapshot now) {
    html.markup("<section aria-labelledby=\"call\"><h2 id=\"call\">Whom may I call?</h2>\n")
        .table(
            "destinations",
            "Destinations in use",
            "Destination",
            "Allowed",
            "Why",
            "Endpoints",
            "Connections");
    List<Destination> destinations =
        now.endpoints().keySet().stream()
            .sorted(Comparator.comparing(Destination::toString))
            .limit(MAX_ROWS)
            .toList();
    for (Destination destination : destinations) {
      html.markup("<tr>").rowHeader(destination);
      verdict(html, explain(mesh, destination));
      html.cell(endpoints(now, destination))
          .cell(
              now.connections().stream()
                  .filter(each -> each.destination().filter(destination::equals).isPresent())
                  .count())
          .markup("</tr>");
    }
    html.endTable(destinations.isEmpty(), 5, "No destination is in use.").markup("</section>\n");
  }

  private static MeshEndpoint.@Nullable Explanation explain(
      MeshClient mesh, Destination destination) {
    try {
      return MeshEndpoint.Explanation.of(
          mesh.service(), destination.toString(), mesh.explain(destination));
    } catch (IllegalStateException e) {
      return null; // it does not know who it is yet
    }
  }

  private static void verdict(Html html, MeshEndpoint.@Nullable Explanation explained) {
    if (explained == null) {
      html.cell(null).cell("there is no identity yet");
      return;
    }
    html.markup("<td><span class=\"")
        .markup(explained.allowed() ? "good\">yes" : "bad\">no")
        .markup("</span></td>")
        .cell(explained.reason());
  }

  private static String endpoints(MeshSnapshot now, Destination destination) {
    var set = now.endpoints().get(destination);
    if (set == null || set.endpoints().isEmpty()) {
      return set == null ? "none" : "none: " + set.emptiness().name().toLowerCase(Locale.ROOT);
    }
    return String.join(
            ", ", set.endpoints().stream().limit(10).map(each -> each.address()).toList())
        + (set.endpoints().size() > 10 ? ", … (" + set.endpoints().size() + ")" : "");
  }

  private static void whoCallsMe(Html html, MeshSnapshot now) {
    html.markup("<section aria-labelledby=\"callers\"><h2 id=\"callers\">Who calls me?</h2>\n<p>")
        .text("Policy version " + now.policyVersion() + ". ")
        .text("Where no intention matches: " + now.defaultDecision().name() + ".")
        .markup("</p>\n")
        .table(
            "intentions",
            "Intentions about me, the one that decides first on top",
            "Source",
            "Says",
            "Precedence",
            "Description");
    for (Intention each : now.intentions().stream().limit(MAX_ROWS).toList()) {
      html.markup("<tr>")
          .rowHeader(each.source() + " → " + each.destination().name())
          .cell(says(each))
          .cell(each.precedence())
          .cell(each.description().isEmpty() ? null : each.description())
          .markup("</tr>");
    }
    html.endTable(now.intentions().isEmpty(), 4, "There is no intention about this service.");
    if (now.intentions().size() > MAX_ROWS) {
      html.markup("<p>").text("The first " + MAX_ROWS + " of " + now.intentions().size());
      html.markup(".</p>\n");
    }
    html.table(
        "connections", "Live connections", "Peer", "Direction", "Destination", "Number", "Cut at");
    List<MeshEndpoint.Connections> live = MeshEndpoint.Connections.of(now.connections());
    for (MeshEndpoint.Connections each : live.stream().limit(MAX_ROWS).toList()) {
      html.markup("<tr>")
          .rowHeader(each.peer())
          .cell(each.direction().toLowerCase(Locale.ROOT))
          .cell(each.destination())
          .cell(each.live())
          .cell(seconds(each.notAfter()))
          .markup("</tr>");
    }
    html.endTable(live.isEmpty(), 5, "There is no connection.").markup("</section>\n");
  }

  private static String says(Intention intention) {
    if (!intention.defects().isEmpty()) {
      return "cannot be applied: " + String.join("; ", intention.defects());
    }
    return intention
        .action()
        .map(action -> action.name().toLowerCase(Locale.ROOT))
        .orElseGet(() -> intention.permissions().size() + " permissions, request by request");
  }

  private static void why(Html html, MeshClient mesh, Question question) {
    html.markup("<section aria-labelledby=\"why\"><h2 id=\"why\">Why?</h2>\n")
        .markup("<form method=\"get\" action=\"page#why\"><div><label for=\"ask\">Question</label>")
        .markup("<select id=\"ask\" name=\"ask\"><option value=\"why\"")
        .markup(question.kind().equals(Question.WHY) ? " selected" : "")
        .markup(">May it call me?</option><option value=\"why-to\"")
        .markup(question.kind().equals(Question.WHY_TO) ? " selected" : "")
        .markup(">May I call it?</option></select></div>");
    field(html, "service", "Service", question.service(), true);
    field(html, "method", "Method (for a request)", question.method(), false);
    field(html, "path", "Path (for a request)", question.path(), false);
    html.markup("<div><button type=\"submit\">Why?</button></div></form>\n");
    if (question.isAsked()) {
      answer(html, mesh, question);
    }
    html.markup("</section>\n");
  }

  private static void field(Html html, String name, String label, String value, boolean required) {
    html.markup("<div><label for=\"")
        .text(name)
        .markup("\">")
        .text(label)
        .markup("</label><input id=\"")
        .text(name)
        .markup("\" name=\"")
        .text(name)
        .markup("\" maxlength=\"512\" autocomplete=\"off\" value=\"")
        .text(value)
        .markup(required ? "\" required>" : "\">")
        .markup("</div>");
  }

  private static void answer(Html html, MeshClient mesh, Question question) {
    html.markup("<div class=\"answer\" id=\"answer\" role=\"status\"><p>");
    try {
      MeshEndpoint.Explanation answer = question.answer(mesh);
      html.text(answer.source() + " → " + answer.destination() + ": ")
          .markup("<span class=\"")
          .text(answer.allowed() ? "good" : "bad")
          .markup("\">")
          .text(answer.allowed() ? "allowed" : "denied")
          .markup("</span></p><p>")
          .text(answer.reason());
    } catch (IllegalArgumentException | IllegalStateException e) {
      html.text(e.getMessage());
    }
    html.markup("</p></div>\n");
  }

  private static void denials(Html html, MeshSnapshot now) {
    html.markup("<section aria-labelledby=\"denied\"><h2 id=\"denied\">Who was denied?</h2>\n")
        .table("denials", "The last denials", "At", "Direction", "Peer", "From", "Why");
    for (MeshEvent.Denied each : now.lastDenials()) {
      html.markup("<tr>")
          .rowHeader(seconds(each.at()))
          .cell(each.direction().name().toLowerCase(Locale.ROOT))
          .cell(each.peer().map(Object::toString).orElse(null))
          .cell(each.remote().orElse(null))
          .cell(each.reason())
          .markup("</tr>");
    }
    html.endTable(now.lastDenials().isEmpty(), 5, "Nobody was.").markup("</section>\n");
  }

  /** Two units at most: a person wants the order of magnitude. */
  static String span(Duration duration) {
    Duration left = duration.abs();
    if (left.toDays() > 0) {
      return left.toDays() + " d " + left.toHoursPart() + " h";
    }
    if (left.toHours() > 0) {
      return left.toHours() + " h " + left.toMinutesPart() + " min";
    }
    return left.toMinutes() > 0
        ? left.toMinutes() + " min " + left.toSecondsPart() + " s"
        : left.toSeconds() + " s";
  }
}
