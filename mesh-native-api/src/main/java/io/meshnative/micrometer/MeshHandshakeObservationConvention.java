package io.meshnative.micrometer;

import io.meshnative.MeshObserver;
import io.micrometer.common.KeyValue;
import io.micrometer.common.KeyValues;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationConvention;

/**
 * Names an observation of a TLS handshake, and says what it tells; as {@link
 * MeshDialObservationConvention} does for dials.
 *
 * <table>
 *   <caption>Key values</caption>
 *   <tr><th>Key</th><th>Cardinality</th><th>What</th></tr>
 *   <tr><td>{@code mesh.service}</td><td>low</td><td>the own service</td></tr>
 *   <tr><td>{@code mesh.outcome}</td><td>low</td><td>completed, refused, failed, abandoned</td></tr>
 *   <tr><td>{@code server.address}</td><td>high</td><td>the destination</td></tr>
 *   <tr><td>{@code network.peer.address}, {@code network.peer.port}</td><td>high</td><td>the other
 *       end, where it is known</td></tr>
 *   <tr><td>{@code tls.established}</td><td>high</td><td>whether it completed</td></tr>
 *   <tr><td>{@code tls.protocol.name}, {@code tls.protocol.version}</td><td>high</td><td>{@code
 *       tls}, {@code 1.3}</td></tr>
 *   <tr><td>{@code tls.cipher}, {@code tls.next_protocol}, {@code tls.resumed}</td><td>high</td>
 *       <td>what was agreed on</td></tr>
 *   <tr><td>{@code mesh.peer.id}</td><td>high</td><td>the SPIFFE id that the peer proved</td></tr>
 *   <tr><td>{@code error.type}</td><td>high</td><td>the class of the failure, or how it ended;
 *       absent if it completed</td></tr>
 * </table>
 */
public interface MeshHandshakeObservationConvention
    extends ObservationConvention<MeshHandshakeContext> {
  /** The convention that holds unless there is another. */
  MeshHandshakeObservationConvention DEFAULT = new MeshHandshakeObservationConvention() {};

  @Override
  default String getName() {
    return "mesh.client.handshake";
  }

  @Override
  default String getContextualName(MeshHandshakeContext context) {
    return "TLS handshake";
  }

  @Override
  default KeyValues getLowCardinalityKeyValues(MeshHandshakeContext context) {
    return KeyValues.of("mesh.service", context.service(), "mesh.outcome", context.outcome());
  }

  @Override
  default KeyValues getHighCardinalityKeyValues(MeshHandshakeContext context) {
    MeshObserver.Handshake handshake = context.handshake();
    MeshObserver.Agreement agreement = context.agreement();
    KeyValues values =
        KeyValues.of(KeyValue.of("tls.established", Boolean.toString(agreement != null)));
    if (handshake.destination().isPresent()) {
      values = values.and("server.address", handshake.destination().get().toString());
    }
    if (handshake.peerHost().isPresent()) {
      values =
          values.and(
              "network.peer.address",
              handshake.peerHost().get(),
              "network.peer.port",
              Integer.toString(handshake.peerPort()));
    }
    if (agreement == null) {
      return values.and("error.type", context.outcome());
    }
    values =
        values.and(
            KeyValue.of("tls.protocol.name", "tls"),
            KeyValue.of("tls.protocol.version", agreement.protocol().replace("TLSv", "")),
            KeyValue.of("tls.cipher", agreement.cipherSuite()),
            KeyValue.of("tls.resumed", Boolean.toString(agreement.resumed())),
            KeyValue.of("mesh.peer.id", agreement.peer().toString()));
    return agreement.applicationProtocol().isPresent()
        ? values.and("tls.next_protocol", agreement.applicationProtocol().get())
        : values;
  }

  @Override
  default boolean supportsContext(Observation.Context context) {
    return context instanceof MeshHandshakeContext;
  }
}
