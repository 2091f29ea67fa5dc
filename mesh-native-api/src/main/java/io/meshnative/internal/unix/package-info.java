/** Streams over unix domain sockets in the shape of TCP ones. Knows nothing but the JDK. */
@org.jspecify.annotations.NullMarked
package io.meshnative.internal.unix;
