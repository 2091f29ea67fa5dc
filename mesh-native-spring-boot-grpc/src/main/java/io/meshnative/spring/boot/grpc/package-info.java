/** Channels and servers of Spring gRPC in the mesh. */
@NullMarked
package io.meshnative.spring.boot.grpc;

import org.jspecify.annotations.NullMarked;
