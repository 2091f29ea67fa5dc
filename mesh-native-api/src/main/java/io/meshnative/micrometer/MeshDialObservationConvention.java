package io.meshnative.micrometer;

import io.meshnative.discovery.Endpoint;
import io.micrometer.common.KeyValue;
import io.micrometer.common.KeyValues;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationConvention;

/**
 * Names an observation of a dial, and says what it tells. The defaults here are OpenTelemetry's
 * semantic conventions where they have a name, and {@code mesh.…} where they have none; override
 * what you want otherwise.
 *
 * <table>
 *   <caption>Key values</caption>
 *   <tr><th>Key</th><th>Cardinality</th><th>What</th></tr>
 *   <tr><td>{@code mesh.service}</td><td>low</td><td>who dials</td></tr>
 *   <tr><td>{@code mesh.outcome}</td><td>low</td><td>connected, denied, failed</td></tr>
 *   <tr><td>{@code server.address}</td><td>high</td><td>the destination; it may be a name that
 *       somebody made up</td></tr>
 *   <tr><td>{@code server.port}, {@code network.peer.port}</td><td>high</td><td>the endpoint's
 *       port</td></tr>
 *   <tr><td>{@code network.peer.address}</td><td>high</td><td>the endpoint tried last</td></tr>
 *   <tr><td>{@code mesh.attempts}</td><td>high</td><td>how many endpoints were tried</td></tr>
 *   <tr><td>{@code error.type}</td><td>high</td><td>the class of the failure; absent for
 *       none</td></tr>
 * </table>
 */
public interface MeshDialObservationConvention extends ObservationConvention<MeshDialContext> {
  /** The convention that holds unless there is another. */
  MeshDialObservationConvention DEFAULT = new MeshDialObservationConvention() {};

  @Override
  default String getName() {
    return "mesh.client.dial";
  }

  @Override
  default String getContextualName(MeshDialContext context) {
    return "dial " + context.destination();
  }

  @Override
  default KeyValues getLowCardinalityKeyValues(MeshDialContext context) {
    return KeyValues.of("mesh.service", context.service(), "mesh.outcome", context.outcome());
  }

  @Override
  default KeyValues getHighCardinalityKeyValues(MeshDialContext context) {
    KeyValues values =
        KeyValues.of(
            "server.address",
            context.destination().toString(),
            "mesh.attempts",
            Integer.toString(context.attempts()));
    Endpoint endpoint = context.endpoint();
    if (endpoint != null) {
      String port = Integer.toString(endpoint.port());
      values =
          values.and(
              KeyValue.of("server.port", port),
              KeyValue.of("network.peer.address", endpoint.host()),
              KeyValue.of("network.peer.port", port));
    }
    Throwable error = context.getError();
    return error == null
        ? values
        : values.and(KeyValue.of("error.type", error.getClass().getName()));
  }

  @Override
  default boolean supportsContext(Observation.Context context) {
    return context instanceof MeshDialContext;
  }
}
