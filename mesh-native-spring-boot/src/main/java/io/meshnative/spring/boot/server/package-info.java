/** Web servers of Spring Boot that serve the mesh. */
@NullMarked
package io.meshnative.spring.boot.server;

import org.jspecify.annotations.NullMarked;
