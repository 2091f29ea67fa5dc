/** Why an application did not start, and what to do. */
@NullMarked
package io.meshnative.spring.boot.diagnostics;

import org.jspecify.annotations.NullMarked;
