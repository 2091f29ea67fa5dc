/**
 * gRPC in the mesh: servers whose every call is decided by the intentions ({@link
 * io.meshnative.grpc.MeshServerBuilder}), and channels to services of the catalog ({@link
 * io.meshnative.grpc.MeshChannelBuilder}).
 */
@NullMarked
package io.meshnative.grpc;

import org.jspecify.annotations.NullMarked;
