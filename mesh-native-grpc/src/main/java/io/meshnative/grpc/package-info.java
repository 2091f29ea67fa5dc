/**
 * gRPC in the mesh: servers whose every call is decided by the intentions, and channels to services
 * of the catalog.
 */
@NullMarked
package io.meshnative.grpc;

import org.jspecify.annotations.NullMarked;
