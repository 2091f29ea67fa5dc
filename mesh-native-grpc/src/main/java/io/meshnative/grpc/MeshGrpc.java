package io.meshnative.grpc;

import io.grpc.Context;
import io.grpc.Metadata;
import io.meshnative.HttpRefusal;
import io.meshnative.MeshPeer;

/** What the applications at both ends of a call in the mesh may want to know of it. */
public final class MeshGrpc {
  /**
   * Who calls, in every handler of a {@link MeshServerBuilder}'s server and in its interceptors.
   *
   * <pre>{@code
   * MeshPeer caller = MeshGrpc.PEER.get();
   * log.info("order of " + caller.service().service());
   * }</pre>
   *
   * <p>The peer was proven by its certificate; no header has a part in it.
   */
  public static final Context.Key<MeshPeer> PEER = Context.key("io.meshnative.grpc.peer");

  /**
   * The trailer of a call that the server refuses, or ends because its right was withdrawn: the
   * {@linkplain io.meshnative.intention.Decision.Cause#id() id of the cause}, or {@value
   * HttpRefusal#MALFORMED}. The status' description says the same; neither tells of the policy.
   */
  public static final Metadata.Key<String> REFUSAL =
      Metadata.Key.of(HttpRefusal.HEADER, Metadata.ASCII_STRING_MARSHALLER);

  private MeshGrpc() {}
}
