/** HTTP clients of Spring whose calls to mesh hosts go into the mesh. */
@NullMarked
package io.meshnative.spring.boot.client;

import org.jspecify.annotations.NullMarked;
