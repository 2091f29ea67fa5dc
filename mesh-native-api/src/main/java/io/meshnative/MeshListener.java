package io.meshnative;

/**
 * Hears what happens. Events come in order, one at a time, on a thread of the library: return
 * quickly. What a listener throws is logged and does not reach the library; while 10,000 events
 * wait for listeners, new ones are dropped, which is logged.
 *
 * <p>The life of a client, drawn in the order of the calls ({@code *} any number of times, {@code
 * ?} at most once, lines at one level in any order):
 *
 * <pre>
 * build()
 *  ├─ ControlPlaneFailed … ControlPlaneRecovered *     of each source: identity, trust, intentions
 *  ├─ TrustChanged 1                                   identity and roots are held
 *  └─ PolicyChanged 1                                  intentions are held
 * StateChanged STARTING → READY                        (→ STALE if a source fails already)
 *  │
 *  ├─ TrustChanged n *                                 the leaf or the roots were rotated
 *  │   └─ before it: Withdrawn *                       connections that the new roots end
 *  ├─ PolicyChanged n *                                intentions were written
 *  │   └─ before it: Withdrawn *                       connections and requests that it denies
 *  ├─ EndpointsChanged *                               of each destination in use
 *  ├─ Denied *                                         a peer, a request or a dial was refused
 *  ├─ Retiring ?  then  Withdrawn ?                    of each connection whose certificates age
 *  ├─ Warning *                                        nothing failed yet; somebody should act
 *  ├─ UpdateRefused *                                  an identity before its root, or roots that
 *  │                                                   do not prove the own leaf
 *  └─ of each source, and of "endpoints of …" and "registration":
 *      ControlPlaneFailed                              once, however many calls fail
 *       └─ StateChanged READY → STALE                  identity, trust, intentions only
 *           └─ StateChanged STALE → EXPIRED ?          the identity or the stale policy ended;
 *               │                                      Withdrawn * of what was open
 *      ControlPlaneRecovered
 *       └─ StateChanged STALE or EXPIRED → READY       when the last failing source answers, and
 *                                                      nothing has ended
 * close()
 * StateChanged … → CLOSED                              the last; connections that close() itself
 *                                                      ends are no withdrawals
 * </pre>
 *
 * <p>A publication first takes effect and is told afterwards: connections are cut before anybody
 * hears of the policy that cut them. {@link MeshEvent.StateChanged} comes after what made the
 * client ready.
 */
@FunctionalInterface
public interface MeshListener {
  /**
   * Takes an event.
   *
   * @param event what happened
   */
  void onEvent(MeshEvent event);
}
