package io.meshnative.servlet.internal;

import io.meshnative.HttpRefusal;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import javax.net.ssl.SSLSession;

/** Decides over requests. Whatever goes wrong on the way denies. Thread-safe. */
public final class RequestJudge {
  /** The id of a refusal of a request for which no peer of the mesh is known. */
  public static final String NO_PEER = "no-peer";

  private static final Logger LOG = System.getLogger("io.meshnative.servlet");

  private final MeshClient mesh;

  public RequestJudge(MeshClient mesh) {
    this.mesh = mesh;
  }

  /** Whether a connection is to get no new requests, since its certificates grow old. */
  public boolean isRetiring(SSLSession session) {
    return mesh.isRetiring(session);
  }

  /** Finds who asks. */
  @FunctionalInterface
  public interface Asking {
    /**
     * The peer.
     *
     * @throws MeshAuthorizationException if the policy now held denies it
     * @throws IllegalArgumentException if there is none of this client
     */
    MeshPeer peer(MeshClient mesh) throws MeshAuthorizationException;
  }

  /** The verdict over one request of the network. */
  public Verdict judge(Asking asking, WireRequest request) {
    try {
      MeshPeer peer = asking.peer(mesh);
      HttpRequestView view = request.view();
      AdmittedRequest admitted = new AdmittedRequest(peer);
      admitted.hold(mesh.admit(peer, view, admitted::withdraw));
      return admitted;
    } catch (MalformedRequestException e) {
      LOG.log(Level.DEBUG, "refused a request that has a second reading: {0}", e.getMessage());
      return new Verdict.Refused(HttpRefusal.of(e), true);
    } catch (MeshAuthorizationException e) {
      return new Verdict.Refused(HttpRefusal.of(e), false);
    } catch (IllegalArgumentException e) {
      LOG.log(Level.WARNING, "refused a request that is of no peer of the mesh", e);
      return new Verdict.Refused(new HttpRefusal(403, NO_PEER), true);
    } catch (RuntimeException | Error e) {
      LOG.log(Level.ERROR, "the decision over a request failed, so it is refused", e);
      return new Verdict.Refused(new HttpRefusal(403, Decision.Cause.EVALUATION_FAILED.id()), true);
    }
  }
}
