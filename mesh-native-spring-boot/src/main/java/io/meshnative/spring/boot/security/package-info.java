/** Peers of the mesh as authentications of Spring Security. */
@NullMarked
package io.meshnative.spring.boot.security;

import org.jspecify.annotations.NullMarked;
