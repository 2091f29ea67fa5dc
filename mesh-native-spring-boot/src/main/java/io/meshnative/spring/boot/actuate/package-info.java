/** What operators see of the mesh: health, info, an endpoint. */
@NullMarked
package io.meshnative.spring.boot.actuate;

import org.jspecify.annotations.NullMarked;
