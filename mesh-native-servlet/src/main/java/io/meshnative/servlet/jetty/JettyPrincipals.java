package io.meshnative.servlet.jetty;

import io.meshnative.MeshPeer;
import java.util.Set;
import javax.security.auth.Subject;
import org.eclipse.jetty.security.AuthenticationState;
import org.eclipse.jetty.security.UserIdentity;
import org.eclipse.jetty.security.authentication.LoginAuthenticator.UserAuthenticationSucceeded;
import org.eclipse.jetty.server.Request;

/** The principal as Jetty's servlet contexts look for it, if they are present. */
final class JettyPrincipals {
  private static final boolean PRESENT = isPresent();

  private JettyPrincipals() {}

  private static boolean isPresent() {
    try {
      Class.forName(
          "org.eclipse.jetty.security.AuthenticationState",
          false,
          JettyPrincipals.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  static void set(Request request, MeshPeer peer) {
    if (PRESENT) {
      Security.set(request, peer);
    }
  }

  private static final class Security {
    static void set(Request request, MeshPeer peer) {
      Subject subject = new Subject(true, Set.of(peer), Set.of(), Set.of());
      AuthenticationState.setAuthenticationState(
          request,
          new UserAuthenticationSucceeded("CLIENT_CERT", UserIdentity.from(subject, peer)));
    }
  }
}
