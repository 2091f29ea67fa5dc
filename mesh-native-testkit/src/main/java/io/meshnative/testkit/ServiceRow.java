package io.meshnative.testkit;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An instance to put into the catalog of an {@link EmbeddedControlPlane}, honest or hostile.
 *
 * <pre>{@code
 * plane.register(ServiceRow.nativeService("billing", "billing-1", "127.0.0.1", 9443).weights(10, 1));
 * plane.register(ServiceRow.sidecar("web", "web-1-sidecar-proxy", "127.0.0.1", 21000));
 * // A lie: shown to those who ask for billing, but calls itself evil.
 * plane.register(ServiceRow.nativeService("evil", "e1", "127.0.0.1", 666).listedAs("billing"));
 * }</pre>
 *
 * <p>Immutable: every method returns a changed copy.
 *
 * @param service the name that the instance registers under; for a sidecar the name of the service
 *     behind it
 * @param id the instance's id, unique in the plane
 * @param address where to dial; empty for the node's address, 127.0.0.1
 * @param port where to dial
 * @param sidecar whether this is a proxy in front of the service
 * @param passingWeight the weight while all checks pass
 * @param warningWeight the weight while some check warns
 * @param status {@code passing}, {@code warning} or {@code critical}
 * @param datacenter what the row says its datacenter is; null for the plane's own
 * @param listedAs the mesh service that shows this row; null for the one that it belongs to
 * @param meta the instance's meta data
 */
public record ServiceRow(
    String service,
    String id,
    String address,
    int port,
    boolean sidecar,
    int passingWeight,
    int warningWeight,
    String status,
    @Nullable String datacenter,
    @Nullable String listedAs,
    Map<String, String> meta) {

  private static final Set<String> STATUSES = Set.of("passing", "warning", "critical");

  /** Checks the values. */
  public ServiceRow {
    if (service.isEmpty() || id.isEmpty()) {
      throw new IllegalArgumentException(
          "an instance needs a service name and an id, not '" + service + "' and '" + id + "'");
    }
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("no such port: " + port);
    }
    requireStatus(status);
    meta = Map.copyOf(meta);
  }

  static void requireStatus(String status) {
    if (!STATUSES.contains(status)) {
      throw new IllegalArgumentException(
          "a status is passing, warning or critical, not '"
              + status.toLowerCase(Locale.ROOT)
              + "'");
    }
  }

  /** A service that speaks mutual TLS itself. Healthy, weights 1 and 1. */
  public static ServiceRow nativeService(String service, String id, String address, int port) {
    return new ServiceRow(service, id, address, port, false, 1, 1, "passing", null, null, Map.of());
  }

  /** A sidecar proxy in front of a service. Healthy, weights 1 and 1. */
  public static ServiceRow sidecar(String service, String id, String address, int port) {
    return new ServiceRow(service, id, address, port, true, 1, 1, "passing", null, null, Map.of());
  }

  /** Sets the weights. */
  public ServiceRow weights(int passing, int warning) {
    return new ServiceRow(
        service, id, address, port, sidecar, passing, warning, status, datacenter, listedAs, meta);
  }

  /** Sets the status of the instance's check. */
  public ServiceRow status(String value) {
    return new ServiceRow(
        service,
        id,
        address,
        port,
        sidecar,
        passingWeight,
        warningWeight,
        value,
        datacenter,
        listedAs,
        meta);
  }

  /** Sets what the row says its datacenter is. */
  public ServiceRow datacenter(String value) {
    return new ServiceRow(
        service,
        id,
        address,
        port,
        sidecar,
        passingWeight,
        warningWeight,
        status,
        value,
        listedAs,
        meta);
  }

  /** Has the row shown to those who ask for another service than its own. */
  public ServiceRow listedAs(String value) {
    return new ServiceRow(
        service,
        id,
        address,
        port,
        sidecar,
        passingWeight,
        warningWeight,
        status,
        datacenter,
        value,
        meta);
  }

  /** Adds an entry to the meta data. */
  public ServiceRow meta(String key, String value) {
    Map<String, String> all = new TreeMap<>(meta);
    all.put(key, value);
    return new ServiceRow(
        service,
        id,
        address,
        port,
        sidecar,
        passingWeight,
        warningWeight,
        status,
        datacenter,
        listedAs,
        all);
  }
}
