package io.meshnative.spring.boot.diagnostics;

import io.meshnative.spring.boot.jdbc.MeshDataSourceUrlException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Tells what in the URL of a database contradicts the mesh, such as the driver's own TLS. */
final class MeshDataSourceUrlFailureAnalyzer
    extends AbstractFailureAnalyzer<MeshDataSourceUrlException> {

  @Override
  protected FailureAnalysis analyze(Throwable root, MeshDataSourceUrlException cause) {
    return new FailureAnalysis(
        "The URL of a data source names a database in the mesh, and something that does not go"
            + " together with it: "
            + cause.getMessage(),
        "Take it out of spring.datasource.url, or of the data source's own properties"
            + " (spring.datasource.hikari.data-source-properties): the driver's TLS is off in the"
            + " mesh, which encrypts, proves the peer and chooses the endpoint. For a database that"
            + " is not of the mesh, write a host that does not end in"
            + " mesh-native.client.host-suffix. Find where it is set with: grep -rnE"
            + " 'datasource|DATASOURCE' src/main/resources",
        cause);
  }
}
