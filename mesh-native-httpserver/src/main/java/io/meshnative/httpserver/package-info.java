/**
 * The HTTP server of the JDK as a member of the mesh: {@link
 * io.meshnative.httpserver.MeshHttpServer}.
 */
@NullMarked
package io.meshnative.httpserver;

import org.jspecify.annotations.NullMarked;
