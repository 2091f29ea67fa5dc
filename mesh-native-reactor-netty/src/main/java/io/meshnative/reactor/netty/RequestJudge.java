package io.meshnative.reactor.netty;

import io.meshnative.HttpRefusal;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * Decides over requests, from memory alone: it may be asked on event loops. Whatever goes wrong on
 * the way denies. Thread-safe.
 */
final class RequestJudge {
  /** The id of a refusal of a request for which no peer of the mesh is known. */
  static final String NO_PEER = "no-peer";

  private static final Logger LOG = System.getLogger("io.meshnative.reactor.netty");

  private final MeshClient mesh;

  RequestJudge(MeshClient mesh) {
    this.mesh = mesh;
  }

  /**
   * The verdict over one request of the network.
   *
   * @param cut ends what carries the request, when the right to it is withdrawn
   */
  Verdict judge(MeshTls tls, WireRequest request, Runnable cut) {
    try {
      if (request.method().equals("CONNECT") || request.target().equals("*")) {
        // Netty routes CONNECT by its authority, and neither has a path that could be judged.
        throw new MalformedRequestException(
            "expected a path of the service, found a target of CONNECT or *");
      }
      MeshPeer peer = mesh.peer(tls.session());
      HttpRequestView view =
          HttpRequestView.of(
              request.method(), request.target(), request.hosts(), request.headers());
      Admission admission = new Admission(cut);
      admission.hold(mesh.admit(peer, view, admission::withdraw));
      tls.admitted(peer);
      return admission;
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
