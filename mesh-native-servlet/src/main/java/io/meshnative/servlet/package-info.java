/**
 * Requests of the mesh as Jakarta Servlet applications see them: {@link
 * io.meshnative.servlet.MeshPeers who calls}, and a filter for containers that have no adapter.
 * Jetty and Tomcat have one each: {@code io.meshnative.servlet.jetty}, {@code
 * io.meshnative.servlet.tomcat}.
 */
@NullMarked
package io.meshnative.servlet;

import org.jspecify.annotations.NullMarked;
