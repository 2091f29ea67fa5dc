package io.meshnative.fuzz;

import static io.meshnative.fuzz.Targets.require;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.SpiffeId;
import io.meshnative.identity.TrustDomain;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** SPIFFE ids and what they mean to Consul: one spelling each, and no other. */
public final class IdTarget {
  private static final Pattern PLAIN =
      Pattern.compile("spiffe://[a-z0-9._-]{1,255}(/(?!\\.{1,2}(/|$))[A-Za-z0-9._-]+)*");
  private static final String SEGMENT = "((?:[A-Za-z0-9_.~$&+,:;=@-]|%[0-9A-F]{2})+)";
  private static final Pattern SERVICE =
      Pattern.compile(
          "spiffe://[a-z0-9._-]{1,255}(?:/ap/"
              + SEGMENT
              + ")?/ns/"
              + SEGMENT
              + "/dc/"
              + SEGMENT
              + "/svc/"
              + SEGMENT);
  private static final Pattern OTHER =
      Pattern.compile(
          "spiffe://[a-z0-9._-]{1,255}(?:/ap/"
              + SEGMENT
              + ")?/(?:gateway/mesh/dc/"
              + SEGMENT
              + "|agent/client/dc/"
              + SEGMENT
              + "/id/"
              + SEGMENT
              + "|agent/server/dc/"
              + SEGMENT
              + ")");

  private IdTarget() {}

  /** Called by the fuzzer. */
  public static void fuzzerTestOneInput(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    boolean plain = text.length() <= 2048 && PLAIN.matcher(text).matches();
    SpiffeId id;
    try {
      id = SpiffeId.parse(text);
    } catch (IllegalArgumentException e) {
      require(!plain, "an id of the standard's plainest form is accepted");
      require(
          String.valueOf(e.getMessage()).chars().noneMatch(Character::isISOControl),
          "a refusal holds no control character");
      return;
    }
    require(id.toString().equals(text), "an id is shown as it was written");
    require(("spiffe://" + id.trustDomain() + id.path()).equals(text), "an id is its two parts");
    require(TrustDomain.of(id.trustDomain().name()).equals(id.trustDomain()), "a domain stands");
    Optional<ConsulId> consul = id.consulId();
    require(plain || consul.isPresent(), "what is not plain is an id of Consul's");
    if (consul.isPresent()) {
      require(
          consul.get().spiffeId().toString().equals(text),
          "an id of Consul's encodes to the identical bytes");
      Matcher form = SERVICE.matcher(text);
      boolean service = form.matches();
      require(service || OTHER.matcher(text).matches(), "an id of Consul's has one of its forms");
      if (consul.get() instanceof ConsulId.Service found) {
        require(service, "a service's id has the form of one");
        require(found.service().equals(decoded(form.group(4))), "the service's name is decoded");
        require(found.datacenter().equals(decoded(form.group(3))), "the datacenter is decoded");
        require(found.namespace().equals(decoded(form.group(2))), "the namespace is decoded");
      }
    }
  }

  private static String decoded(String segment) {
    String name = URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
    require(!name.equals(".") && !name.equals(".."), "no segment is a dot segment");
    require(
        name.chars().noneMatch(c -> c == '/' || c == '\\' || Character.isISOControl(c)),
        "no segment hides a separator");
    return name;
  }
}
