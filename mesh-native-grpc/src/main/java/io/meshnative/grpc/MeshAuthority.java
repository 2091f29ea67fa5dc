package io.meshnative.grpc;

import io.meshnative.discovery.Destination;

/**
 * How a destination is written as the authority of calls: {@code orders.mesh}, and longer {@code
 * orders.<namespace>.ns.<partition>.ap.<datacenter>.dc.mesh}, each part as needed. These are the
 * host names that mesh services have in URLs, too.
 *
 * <p>Two destinations never share one: a service whose own name holds dots always gets its
 * namespace and partition, so that it cannot look like another one's.
 */
final class MeshAuthority {
  private static final String DEFAULT = "default";
  private static final String SUFFIX = ".mesh";

  private MeshAuthority() {}

  static String of(Destination destination) {
    boolean dotted = destination.service().indexOf('.') >= 0;
    StringBuilder text = new StringBuilder(destination.service());
    if (dotted || !destination.namespace().equals(DEFAULT)) {
      text.append('.').append(destination.namespace()).append(".ns");
    }
    if (dotted || !destination.partition().equals(DEFAULT)) {
      text.append('.').append(destination.partition()).append(".ap");
    }
    destination.datacenter().ifPresent(dc -> text.append('.').append(dc).append(".dc"));
    return text.append(SUFFIX).toString();
  }
}
