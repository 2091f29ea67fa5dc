/** Whole applications with the starter, as a browser and an operator see them. */
@NullMarked
package io.meshnative.spring.boot.starter;

import org.jspecify.annotations.NullMarked;
