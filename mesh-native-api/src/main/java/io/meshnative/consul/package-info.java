/**
 * How to reach a Consul agent.
 *
 * <p>Values only: {@link io.meshnative.consul.ConsulConfig} opens no connection.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.consul;
