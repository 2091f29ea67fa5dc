/** Two Spring Boot applications and a database in the mesh. */
@NullMarked
package io.meshnative.samples.springboot;

import org.jspecify.annotations.NullMarked;
