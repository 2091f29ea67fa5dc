/**
 * gRPC channels and servers in a Consul mesh, over mutual TLS, without a proxy.
 *
 * <p>Start with {@link io.meshnative.grpc.MeshChannelBuilder}.
 */
@NullMarked
package io.meshnative.grpc;

import org.jspecify.annotations.NullMarked;
