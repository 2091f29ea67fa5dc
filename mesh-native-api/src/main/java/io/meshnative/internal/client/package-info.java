/**
 * Puts it together: sources to sinks, epochs and policies to the publisher, and the client in
 * front.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.internal.client;
