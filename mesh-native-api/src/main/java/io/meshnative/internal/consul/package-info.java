/**
 * The Consul agent's HTTP client, its blocking queries, and its JSON made into the model;
 * implements the SPI.
 *
 * <p>From the wire upwards: {@code AgentClient} makes one call; {@code Query} knows one question
 * and how to read its answer; {@code Watch} decides what an answer means for the index, the value
 * and the pause; {@code WatchThread} repeats a watch; the sources hand values to sinks. Nothing
 * here knows of TLS in the mesh.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.internal.consul;
