package io.meshnative.internal.consul;

import io.meshnative.consul.ConsulConfig;
import io.meshnative.identity.CredentialFile;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** The token that was given, or the content of its file, read for each call. */
final class ConfiguredTokens implements Tokens {
  private static final Logger LOG = System.getLogger(ConfiguredTokens.class.getName());

  private final ConsulConfig config;
  private volatile @Nullable String last;

  ConfiguredTokens(ConsulConfig config) {
    this.config = config;
    this.last = config.currentToken().orElse(null);
    config
        .tokenFile()
        .filter(CredentialFile::isReadableByEverybody)
        .ifPresent(file ->
            LOG.log(
                Level.WARNING,
                "The token file {0} may be read by everybody on this machine; take the right away:"
                    + " chmod o-r",
                file));
  }

  @Override
  public @Nullable String current() {
    try {
      last = config.currentToken().orElse(null);
    } catch (IllegalArgumentException e) {
      // A file that is being replaced: the last token may serve on, and if not, the agent says so.
      LOG.log(Level.WARNING, "{0}; the token read before is used on.", e.getMessage());
    }
    return last;
  }
}
