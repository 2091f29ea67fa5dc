/**
 * Where services are: destinations, endpoints, and which endpoint to take next.
 *
 * <p>Values and policies only. Nothing here knows of TLS.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.discovery;
