/** A Spring Boot application as a member of a Consul mesh. */
@NullMarked
package io.meshnative.spring.boot;

import org.jspecify.annotations.NullMarked;
