package io.meshnative.jdbc;

import java.util.Objects;
import java.util.Optional;

/**
 * What {@link MeshJdbcUrl#rewrite(String, MeshJdbcOptions)} is told beside the URL. Each can stand
 * in the URL as well, as the parameter named here; where both say something else, the rewrite is
 * refused. Immutable; the {@code with} methods return copies.
 *
 * @param service the service to reach, {@code meshService}; empty for the host of the URL
 * @param client the name of the client in {@link io.meshnative.MeshClients}, {@code meshClient};
 *     empty where there is only one
 * @param datacenter the service's datacenter, {@code meshDatacenter}; empty for the own one
 * @param namespace the service's namespace (Consul Enterprise), {@code meshNamespace}
 * @param partition the service's admin partition (Consul Enterprise), {@code meshPartition}
 * @param sticky whether this process keeps to one endpoint as long as it is healthy, {@code
 *     meshSticky}; empty for the default, which is to keep to it
 * @param multiHost whether a URL of PostgreSQL may name several services among which the driver
 *     chooses by itself, as for {@code targetServerType}, {@code meshMultiHost}; empty for no
 */
public record MeshJdbcOptions(
    Optional<String> service,
    Optional<String> client,
    Optional<String> datacenter,
    Optional<String> namespace,
    Optional<String> partition,
    Optional<Boolean> sticky,
    Optional<Boolean> multiHost) {
  private static final MeshJdbcOptions DEFAULTS =
      new MeshJdbcOptions(
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  /** Checks that nothing is null. */
  public MeshJdbcOptions {
    Objects.requireNonNull(service, "service");
    Objects.requireNonNull(client, "client");
    Objects.requireNonNull(datacenter, "datacenter");
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(partition, "partition");
    Objects.requireNonNull(sticky, "sticky");
    Objects.requireNonNull(multiHost, "multiHost");
  }

  /**
   * Returns the defaults: all is in the URL.
   *
   * @return the defaults
   */
  public static MeshJdbcOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Returns a copy for this service.
   *
   * @param service its name in Consul
   * @return the copy
   */
  public MeshJdbcOptions withService(String service) {
    return new MeshJdbcOptions(
        Optional.of(service), client, datacenter, namespace, partition, sticky, multiHost);
  }

  /**
   * Returns a copy that dials by this client.
   *
   * @param client its name in {@link io.meshnative.MeshClients}
   * @return the copy
   */
  public MeshJdbcOptions withClient(String client) {
    return new MeshJdbcOptions(
        service, Optional.of(client), datacenter, namespace, partition, sticky, multiHost);
  }

  /**
   * Returns a copy for a service of another datacenter.
   *
   * @param datacenter its name
   * @return the copy
   */
  public MeshJdbcOptions withDatacenter(String datacenter) {
    return new MeshJdbcOptions(
        service, client, Optional.of(datacenter), namespace, partition, sticky, multiHost);
  }

  /**
   * Returns a copy for a service of another namespace.
   *
   * @param namespace its name
   * @return the copy
   */
  public MeshJdbcOptions withNamespace(String namespace) {
    return new MeshJdbcOptions(
        service, client, datacenter, Optional.of(namespace), partition, sticky, multiHost);
  }

  /**
   * Returns a copy for a service of another partition.
   *
   * @param partition its name
   * @return the copy
   */
  public MeshJdbcOptions withPartition(String partition) {
    return new MeshJdbcOptions(
        service, client, datacenter, namespace, Optional.of(partition), sticky, multiHost);
  }

  /**
   * Returns a copy that keeps to one endpoint, or spreads its connections over all of them. A
   * cancel reaches the backend that runs the statement either way.
   *
   * @param sticky whether to keep to one
   * @return the copy
   */
  public MeshJdbcOptions withSticky(boolean sticky) {
    return new MeshJdbcOptions(
        service, client, datacenter, namespace, partition, Optional.of(sticky), multiHost);
  }

  /**
   * Returns a copy that lets a URL of PostgreSQL name several services, or does not. The driver
   * then asks each of them as it does with several hosts, for {@code targetServerType=primary} and
   * its like.
   *
   * @param multiHost whether several are meant
   * @return the copy
   */
  public MeshJdbcOptions withMultiHost(boolean multiHost) {
    return new MeshJdbcOptions(
        service, client, datacenter, namespace, partition, sticky, Optional.of(multiHost));
  }
}
