/** What the filter and the containers' adapters share. Not for applications. */
@NullMarked
package io.meshnative.servlet.internal;

import org.jspecify.annotations.NullMarked;
