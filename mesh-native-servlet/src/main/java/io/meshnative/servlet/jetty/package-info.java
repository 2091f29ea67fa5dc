/** Embedded Jetty 12.1 as a server of the mesh. */
@NullMarked
package io.meshnative.servlet.jetty;

import org.jspecify.annotations.NullMarked;
