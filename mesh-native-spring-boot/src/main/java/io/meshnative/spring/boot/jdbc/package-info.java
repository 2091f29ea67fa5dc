/** Data sources of Spring Boot whose URL names a mesh host. */
@NullMarked
package io.meshnative.spring.boot.jdbc;

import org.jspecify.annotations.NullMarked;
