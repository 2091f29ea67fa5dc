package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.MeshSnapshot;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.boot.actuate.info.Info;
import org.springframework.boot.actuate.info.InfoContributor;

/** Says who the application is in the mesh. */
public final class MeshInfoContributor implements InfoContributor {
  private final MeshClient mesh;

  /**
   * Makes the contributor.
   *
   * @param mesh who the application is
   */
  public MeshInfoContributor(MeshClient mesh) {
    this.mesh = mesh;
  }

  @Override
  public void contribute(Info.Builder builder) {
    MeshSnapshot now = mesh.snapshot();
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("service", now.service());
    now.identity().ifPresent(identity -> details.put("id", identity.id().toString()));
    details.put("tls", now.tlsProvider());
    builder.withDetail("mesh", details);
  }
}
