/**
 * What JDK Flight Recorder can record of a client: event classes of stable names, and the door to
 * them. Knows nothing of those who record; holds no secret, only ids, names, numbers and reasons.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.internal.flight;
