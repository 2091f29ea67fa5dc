package io.meshnative.testkit.internal;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where a discovery chain ends: a service, maybe a subset of it, in a datacenter. */
final class ChainTarget {
  final String service;
  final String subset;
  final String datacenter;
  Map<String, @Nullable Object> filter = Map.of();
  String externalSni = "";
  String meshGateway = "";

  ChainTarget(String service, String subset, String datacenter) {
    this.service = service;
    this.subset = subset;
    this.datacenter = datacenter;
  }

  String id() {
    return (subset.isEmpty() ? "" : subset + ".") + service + ".default." + datacenter;
  }

  /** Another target where something is given; another service drops the subset of this one. */
  ChainTarget rewritten(String otherService, String otherSubset, String otherDatacenter) {
    boolean moves = !otherService.isEmpty() && !otherService.equals(service);
    String kept = moves ? "" : subset;
    return new ChainTarget(
        moves ? otherService : service,
        otherSubset.isEmpty() ? kept : otherSubset,
        otherDatacenter.isEmpty() ? datacenter : otherDatacenter);
  }

  Map<String, @Nullable Object> json(String trustDomain) {
    String name = id() + ".internal." + trustDomain;
    Map<String, @Nullable Object> json = Json.object("ID", id(), "Service", service);
    if (!subset.isEmpty()) {
      json.put("ServiceSubset", subset);
    }
    json.put("Namespace", "default");
    json.put("Datacenter", datacenter);
    json.put(
        "MeshGateway", meshGateway.isEmpty() ? Json.object() : Json.object("Mode", meshGateway));
    json.put("Subset", filter);
    if (!externalSni.isEmpty()) {
      json.put("External", true);
    }
    json.put("SNI", externalSni.isEmpty() ? name : externalSni);
    json.put("Name", name);
    return json;
  }
}
