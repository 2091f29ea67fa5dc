package io.meshnative.internal.tls;

import io.meshnative.spi.TlsProvider;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.GeneralSecurityException;
import java.security.Provider;
import java.security.Security;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the TLS engine: Conscrypt where it is on the class path, loads and passes a handshake
 * with itself, else JSSE. The outcome is the same for the life of the JVM and is worked out once.
 */
public final class Providers {
  private static final Logger LOG = System.getLogger("io.meshnative.tls");
  private static final AtomicBoolean TOLD = new AtomicBoolean();

  /** With which providers, in this order, signatures were found to be sound. */
  private static final AtomicReference<List<Provider>> SOUND = new AtomicReference<>(List.of());

  private Providers() {}

  private static final class Conscrypt {
    static final @Nullable TlsProvider PROVIDER;
    static final String WHY_NOT;

    static {
      TlsProvider loaded = null;
      String why = "";
      try {
        if (finalizationIsDisabled()) {
          why = "finalization is disabled in this JVM, and Conscrypt frees its native memory by it";
        } else {
          TlsProvider candidate = TlsProvider.of(ConscryptSupport.newProvider());
          HandshakeSelfCheck.run(candidate);
          loaded = candidate;
        }
      } catch (NoClassDefFoundError e) {
        why = "org.conscrypt:conscrypt-openjdk-uber is not on the class path";
      } catch (Throwable e) {
        // Its native library fails with errors, not exceptions; whatever it is, JSSE serves.
        why = "it does not work here: " + e;
      }
      PROVIDER = loaded;
      WHY_NOT = why;
    }
  }

  /** Conscrypt, empty where it cannot be used. */
  public static Optional<TlsProvider> conscrypt() {
    return Optional.ofNullable(Conscrypt.PROVIDER);
  }

  /** The provider where the application chose none. */
  public static TlsProvider preferred() {
    TlsProvider conscrypt = Conscrypt.PROVIDER;
    if (conscrypt != null) {
      return conscrypt;
    }
    if (TOLD.compareAndSet(false, true)) {
      LOG.log(
          Level.INFO,
          "TLS runs on the JDK's JSSE, whose handshakes cost about ten times the CPU of Conscrypt's, because "
              + Conscrypt.WHY_NOT
              + "; add org.conscrypt:conscrypt-openjdk-uber to the class path to get them back");
    }
    return TlsProvider.jsse();
  }

  static boolean isConscrypt(TlsProvider provider) {
    Provider security = provider.provider();
    return security.getClass().getName().startsWith("org.conscrypt.");
  }

  /**
   * Refuses a JDK whose ECDSA accepts the all-zero signature (CVE-2022-21449): there every
   * certificate could be forged. Not asked again as long as the providers are the same: it makes a
   * key, which costs more than the rest of opening a client.
   */
  public static void requireSoundSignatures() {
    List<Provider> providers = List.of(Security.getProviders());
    if (isSame(providers, Objects.requireNonNull(SOUND.get()))) {
      return;
    }
    try {
      HandshakeSelfCheck.requireZeroSignatureRefused();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("expected a working SHA256withECDSA, found an error", e);
    }
    SOUND.set(providers);
  }

  /** The very same objects: providers that differ may be equal, since they are maps. */
  private static boolean isSame(List<Provider> these, List<Provider> those) {
    if (these.size() != those.size()) {
      return false;
    }
    for (int i = 0; i < these.size(); i++) {
      if (these.get(i) != those.get(i)) {
        return false;
      }
    }
    return true;
  }

  private static boolean finalizationIsDisabled() {
    Stream<String> arguments =
        ProcessHandle.current().info().arguments().map(Arrays::stream).orElseGet(Stream::empty);
    Stream<String> environment =
        Stream.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS")
            .map(System::getenv)
            .filter(options -> options != null)
            .flatMap(options -> Arrays.stream(options.split("\\s+")));
    return Stream.concat(arguments, environment).anyMatch("--finalization=disabled"::equals);
  }
}
