/** Tests of Spring Boot applications that are members of a mesh. */
@NullMarked
package io.meshnative.spring.boot.test;

import org.jspecify.annotations.NullMarked;
