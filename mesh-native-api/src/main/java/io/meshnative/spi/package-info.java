/**
 * What a control plane has to supply: identity, trust, intentions, endpoints, each pushed to a
 * sink.
 *
 * <p>Implement these to run the library on something other than a Consul agent. Nothing here knows
 * of Consul.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.spi;
