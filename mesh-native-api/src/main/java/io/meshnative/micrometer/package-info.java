/** Meters and observations of a mesh client for Micrometer, which is optional. */
@NullMarked
package io.meshnative.micrometer;

import org.jspecify.annotations.NullMarked;
