package io.meshnative.internal.consul;

import com.squareup.moshi.JsonDataException;
import com.squareup.moshi.JsonReader;
import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.ApplicationProtocol;
import io.meshnative.discovery.Destination;
import io.meshnative.internal.consul.Route.Branch;
import io.meshnative.internal.consul.Route.ChainTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes a route of a compiled discovery chain ({@code GET /v1/discovery-chain}). The keys of nodes
 * and targets are opaque: their form differs from version to version.
 *
 * @param destination whose chain it is
 * @param ownNamespace the client's
 */
record ChainDecoder(Destination destination, String ownNamespace) {
  private static final int MAX_NODES = 1024;
  private static final int MAX_DEPTH = 16;
  private static final int MAX_BRANCHES = 256;

  /** Splits that lead to splitters multiply: so many ways through a chain are followed. */
  private static final int MAX_WAYS = 4096;

  private static final String DEFAULT = "default";

  /** A node as it stands: what it leads to depends on its type. */
  private static final class Node {
    String type = "";
    @Nullable String lastRoute;
    final List<Split> splits = new ArrayList<>();
    String target = "";
    final List<String> failover = new ArrayList<>();
  }

  private record Split(double weight, String next) {}

  private static final class Chain {
    String service = "";
    String start = "";
    String namespace = "";
    String datacenter = "";
    ApplicationProtocol protocol = ApplicationProtocol.UNKNOWN;
    final Map<String, Node> nodes = new HashMap<>();
    final Map<String, TargetRow> targets = new HashMap<>();
    int ways;
  }

  private static final class TargetRow {
    String service = "";
    String namespace = "";
    String partition = "";
    String datacenter = "";
    String peer = "";
    String gateway = "";
    String filter = "";
    boolean external;
  }

  Route decode(String what, Answer answer) throws ControlPlaneException {
    return Json.document(what, answer.body(), false, this::read);
  }

  private Route read(JsonReader reader) throws IOException {
    Chain chain = new Chain();
    boolean[] found = {false};
    Json.require(reader, JsonReader.Token.BEGIN_OBJECT);
    Json.object(
        reader,
        field -> {
          if (!field.equals("Chain")) {
            return false;
          }
          Json.require(reader, JsonReader.Token.BEGIN_OBJECT);
          found[0] = true;
          Json.object(reader, name -> chain(reader, chain, name));
          return true;
        });
    if (!found[0]) {
      throw new JsonDataException("no Chain");
    }
    if (!chain.service.isEmpty() && !chain.service.equalsIgnoreCase(destination.service())) {
      // Consul's names are the same in any case.
      throw new JsonDataException("the chain of another service than was asked for");
    }
    Map<List<String>, Double> shares = new LinkedHashMap<>();
    follow(chain, chain.start, 1, 0, shares);
    List<Branch> branches = new ArrayList<>();
    shares.forEach((targets, share) ->
        branches.add(new Branch(share, targets.stream().map(id -> target(chain, id)).toList())));
    if (branches.isEmpty()) {
      throw new JsonDataException("a chain whose splits all weigh nothing");
    }
    return new Route(branches, chain.protocol);
  }

  private static boolean chain(JsonReader reader, Chain chain, String name) throws IOException {
    switch (name) {
      case "ServiceName" -> chain.service = Json.text(reader);
      case "StartNode" -> chain.start = Json.text(reader);
      case "Namespace" -> chain.namespace = Json.text(reader);
      case "Datacenter" -> chain.datacenter = Json.text(reader);
      case "Protocol" -> chain.protocol = ApplicationProtocol.of(Json.text(reader));
      case "Nodes" ->
          Json.object(
              reader,
              key -> {
                Node node = new Node();
                Json.object(reader, field -> node(reader, node, field));
                bounded(chain.nodes, key, node);
                return true;
              });
      case "Targets" ->
          Json.object(
              reader,
              key -> {
                TargetRow row = new TargetRow();
                Json.object(reader, field -> target(reader, row, field));
                bounded(chain.targets, key, row);
                return true;
              });
      default -> {
        return false;
      }
    }
    return true;
  }

  private static <T> void bounded(Map<String, T> all, String key, T value) {
    if (all.size() >= MAX_NODES) {
      throw new JsonDataException("more than " + MAX_NODES + " nodes or targets");
    }
    all.put(key, value);
  }

  private static <T> void bounded(List<T> all, T value) {
    if (all.size() >= MAX_NODES) {
      throw new JsonDataException("a node that leads to more than " + MAX_NODES + " others");
    }
    all.add(value);
  }

  private static boolean node(JsonReader reader, Node node, String field) throws IOException {
    switch (field) {
      case "Type" -> node.type = Json.text(reader);
      case "Routes" ->
          Json.array(
              reader,
              () ->
                  Json.object(
                      reader,
                      name -> {
                        if (name.equals("NextNode")) {
                          node.lastRoute = Json.text(reader);
                          return true;
                        }
                        return false;
                      }));
      case "Splits" -> Json.array(reader, () -> bounded(node.splits, split(reader)));
      case "Resolver" -> Json.object(reader, name -> resolver(reader, node, name));
      default -> {
        return false;
      }
    }
    return true;
  }

  private static Split split(JsonReader reader) throws IOException {
    double[] weight = {0};
    String[] next = {""};
    Json.object(
        reader,
        name -> {
          switch (name) {
            case "Weight" -> weight[0] = reader.nextDouble();
            case "NextNode" -> next[0] = Json.text(reader);
            default -> {
              return false;
            }
          }
          return true;
        });
    if (!(weight[0] >= 0 && weight[0] <= 100)) {
      throw new JsonDataException("a split's weight that is not between 0 and 100");
    }
    return new Split(weight[0], next[0]);
  }

  private static boolean resolver(JsonReader reader, Node node, String name) throws IOException {
    switch (name) {
      case "Target" -> node.target = Json.text(reader);
      case "Failover" ->
          Json.object(
              reader,
              field -> {
                if (field.equals("Targets")) {
                  Json.array(reader, () -> bounded(node.failover, Json.text(reader)));
                  return true;
                }
                return false;
              });
      default -> {
        return false;
      }
    }
    return true;
  }

  private static boolean target(JsonReader reader, TargetRow row, String field) throws IOException {
    switch (field) {
      case "Service" -> row.service = Json.text(reader);
      case "Namespace" -> row.namespace = Json.text(reader);
      case "Partition" -> row.partition = Json.text(reader);
      case "Datacenter" -> row.datacenter = Json.text(reader);
      case "Peer" -> row.peer = Json.text(reader);
      case "External" -> row.external = Json.bool(reader);
      case "MeshGateway" -> row.gateway = only(reader, "Mode");
      case "Subset" -> row.filter = only(reader, "Filter");
      default -> {
        return false;
      }
    }
    return true;
  }

  private static String only(JsonReader reader, String wanted) throws IOException {
    String[] text = {""};
    Json.object(
        reader,
        name -> {
          if (name.equals(wanted)) {
            text[0] = Json.text(reader);
            return true;
          }
          return false;
        });
    return text[0];
  }

  /** Adds the share of each list of targets that a node leads to. */
  private static void follow(
      Chain chain, String key, double share, int depth, Map<List<String>, Double> shares) {
    Node node = chain.nodes.get(key);
    if (node == null) {
      throw new JsonDataException("a chain that leads to a node it does not have");
    }
    if (depth > MAX_DEPTH || shares.size() > MAX_BRANCHES || ++chain.ways > MAX_WAYS) {
      throw new JsonDataException("a chain that branches without end");
    }
    switch (node.type) {
      case "router" -> {
        String last = node.lastRoute;
        if (last == null) {
          throw new JsonDataException("a router without a route");
        }
        follow(chain, last, share, depth + 1, shares);
      }
      case "splitter" -> {
        for (Split split : node.splits) {
          if (split.weight() > 0) {
            follow(chain, split.next(), share * split.weight() / 100, depth + 1, shares);
          }
        }
      }
      case "resolver" -> {
        List<String> targets = new ArrayList<>();
        targets.add(node.target);
        targets.addAll(node.failover);
        shares.merge(targets, share, Double::sum);
      }
      default -> throw new JsonDataException("a node that is no router, splitter or resolver");
    }
  }

  private ChainTarget target(Chain chain, String id) {
    TargetRow row = chain.targets.get(id);
    if (row == null) {
      throw new JsonDataException("a chain that leads to a target it does not have");
    }
    boolean sameDatacenter = row.datacenter.equals(chain.datacenter);
    boolean sameNamespace = row.namespace.equals(chain.namespace);
    try {
      Destination.Builder builder =
          Destination.builder(row.service)
              .namespace(sameNamespace ? destination.namespace() : row.namespace)
              .partition(row.partition.isEmpty() ? destination.partition() : row.partition);
      if (!sameDatacenter) {
        builder.datacenter(row.datacenter);
      } else {
        destination.datacenter().ifPresent(builder::datacenter);
      }
      return new ChainTarget(builder.build(), row.filter, unreachable(row, sameNamespace));
    } catch (IllegalArgumentException e) {
      throw new JsonDataException("a target that is no service: " + e.getMessage(), e);
    }
  }

  private Optional<String> unreachable(TargetRow row, boolean sameNamespace) {
    if (!row.peer.isEmpty()) {
      return Optional.of("it is imported from a peer, which is not supported yet");
    }
    if (row.external) {
      return Optional.of("it is outside the mesh");
    }
    // Set for targets of other datacenters than the one that is asked.
    if (!row.gateway.isEmpty() && !row.gateway.equals("none")) {
      return Optional.of("it is reached through mesh gateways, which is not supported yet");
    }
    if (!sameNamespace && row.namespace.equals(DEFAULT) && !ownNamespace.equals(DEFAULT)) {
      return Optional.of("it is in the default namespace, which only a client of it can name");
    }
    return Optional.empty();
  }
}
