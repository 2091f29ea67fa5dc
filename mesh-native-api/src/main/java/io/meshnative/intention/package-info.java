/**
 * Who may call whom: Consul's intentions, compiled into a table that decides in the process.
 *
 * <p>Values only. Nothing here knows of TLS or of HTTP clients.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.intention;
