/**
 * Reactor Netty's HTTP server as a member of the mesh: {@link
 * io.meshnative.reactor.netty.MeshReactorServer}.
 */
@NullMarked
package io.meshnative.reactor.netty;

import org.jspecify.annotations.NullMarked;
