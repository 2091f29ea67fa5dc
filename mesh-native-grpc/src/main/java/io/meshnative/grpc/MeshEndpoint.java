package io.meshnative.grpc;

import io.grpc.Attributes;
import io.meshnative.discovery.Endpoint;

/**
 * What load-balancing policies can read of an address of a mesh service, in the attributes of its
 * {@link io.grpc.EquivalentAddressGroup}. The locality is in gRPC's own {@link
 * io.grpc.EquivalentAddressGroup#ATTR_LOCALITY_NAME}, as {@code datacenter/node}.
 */
public final class MeshEndpoint {
  /** The instance as the catalog describes it. */
  public static final Attributes.Key<Endpoint> ENDPOINT =
      Attributes.Key.create("io.meshnative.grpc.MeshEndpoint.ENDPOINT");

  /** Its share of the load, 1 to {@link Endpoint#MAX_WEIGHT}. */
  public static final Attributes.Key<Integer> WEIGHT =
      Attributes.Key.create("io.meshnative.grpc.MeshEndpoint.WEIGHT");

  private MeshEndpoint() {}
}
