package io.meshnative.consul;

import io.meshnative.identity.CredentialFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Objects;

/** Checks of secrets. No message here holds any part of one. */
final class Secrets {
  private static final int MAX_TOKEN = 64 * 1024;

  private Secrets() {}

  /**
   * Refuses what no HTTP header can carry: HTTP clients tend to put the refused value into their
   * message.
   */
  static String checkToken(String token) {
    Objects.requireNonNull(token, "token");
    if (token.isEmpty() || !token.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
      throw new IllegalArgumentException(
          "expected a token of printable ASCII characters without spaces, found an empty one or"
              + " another character");
    }
    return token;
  }

  static String checkBasicAuth(String user, String password) {
    Objects.requireNonNull(user, "user");
    Objects.requireNonNull(password, "password");
    if (user.isEmpty() || user.indexOf(':') >= 0) {
      throw new IllegalArgumentException(
          "expected a user of at least one character and without ':'");
    }
    String both = user + ":" + password;
    if (both.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException("expected a user and password without control characters");
    }
    return both;
  }

  /** Reads a token; {@code what} and {@code variable} name it in messages. */
  static String readToken(Path file, String what, String variable) {
    byte[] bytes;
    try {
      bytes = CredentialFile.read(file, MAX_TOKEN);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "expected a readable "
              + what
              + " file ("
              + variable
              + "), found that "
              + file
              + " cannot be read"
              + (e instanceof FileSystemException why && why.getReason() != null
                  ? ": " + why.getReason()
                  : ""),
          e);
    }
    try {
      return checkToken(new String(bytes, StandardCharsets.UTF_8).strip());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(what + " file " + file + ": " + e.getMessage(), e);
    }
  }
}
