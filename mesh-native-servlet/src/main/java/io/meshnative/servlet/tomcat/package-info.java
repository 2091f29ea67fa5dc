/** Embedded Tomcat 11 as a server of the mesh. */
@NullMarked
package io.meshnative.servlet.tomcat;

import org.jspecify.annotations.NullMarked;
