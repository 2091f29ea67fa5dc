package io.meshnative.spring.boot.actuate;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.EndpointId;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.actuate.endpoint.web.AdditionalPathsMapper;
import org.springframework.boot.actuate.endpoint.web.WebServerNamespace;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.health.actuate.endpoint.AdditionalHealthEndpointPath;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroup;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroups;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroupsPostProcessor;
import org.springframework.boot.health.actuate.endpoint.HttpCodeStatusMapper;
import org.springframework.boot.health.actuate.endpoint.StatusAggregator;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;

/**
 * Puts the health of the mesh into the group {@code readiness}, where there is one: without an
 * identity the application can serve nobody. Never into {@code liveness}: a restart brings no
 * identity back. An application that says itself what readiness is made of has the last word.
 */
@Order(Ordered.LOWEST_PRECEDENCE)
final class MeshReadiness implements HealthEndpointGroupsPostProcessor {
  private static final String READINESS = "readiness";
  private static final String MESH = "mesh";

  private final boolean saidOtherwise;

  MeshReadiness(Environment environment) {
    saidOtherwise =
        Binder.get(environment)
            .bind("management.endpoint.health.group.readiness.include", String[].class)
            .isBound();
  }

  @Override
  public HealthEndpointGroups postProcessHealthEndpointGroups(HealthEndpointGroups groups) {
    HealthEndpointGroup readiness = groups.get(READINESS);
    return saidOtherwise || readiness == null || readiness.isMember(MESH)
        ? groups
        : new Groups(groups, readiness, new Readiness(readiness));
  }

  /** The same groups but one. */
  private record Groups(
      HealthEndpointGroups others, HealthEndpointGroup before, HealthEndpointGroup now)
      implements HealthEndpointGroups, AdditionalPathsMapper {

    @Override
    public HealthEndpointGroup getPrimary() {
      return others.getPrimary();
    }

    @Override
    public Set<String> getNames() {
      return others.getNames();
    }

    @Override
    public @Nullable HealthEndpointGroup get(String name) {
      return swap(others.get(name));
    }

    @Override
    public @Nullable HealthEndpointGroup get(AdditionalHealthEndpointPath path) {
      return swap(others.get(path));
    }

    private @Nullable HealthEndpointGroup swap(@Nullable HealthEndpointGroup found) {
      return found == before ? now : found;
    }

    @Override
    public @Nullable List<String> getAdditionalPaths(
        EndpointId endpoint, WebServerNamespace namespace) {
      return others instanceof AdditionalPathsMapper mapper
          ? mapper.getAdditionalPaths(endpoint, namespace)
          : null;
    }
  }

  /** One member more. */
  private record Readiness(HealthEndpointGroup group) implements HealthEndpointGroup {
    @Override
    public boolean isMember(String name) {
      return name.equals(MESH) || group.isMember(name);
    }

    @Override
    public boolean showComponents(SecurityContext security) {
      return group.showComponents(security);
    }

    @Override
    public boolean showDetails(SecurityContext security) {
      return group.showDetails(security);
    }

    @Override
    public StatusAggregator getStatusAggregator() {
      return group.getStatusAggregator();
    }

    @Override
    public HttpCodeStatusMapper getHttpCodeStatusMapper() {
      return group.getHttpCodeStatusMapper();
    }

    @Override
    public @Nullable AdditionalHealthEndpointPath getAdditionalPath() {
      return group.getAdditionalPath();
    }
  }
}
