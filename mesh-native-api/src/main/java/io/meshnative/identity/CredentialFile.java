package io.meshnative.identity;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;

/**
 * Reads files on which identity rests: tokens, keys, certificates, authorities. They are replaced
 * while they are read, and they lie where others may write.
 *
 * <ul>
 *   <li><b>One generation.</b> Links are resolved once and the file at their end is read; whoever
 *       swaps a link meanwhile, as Kubernetes does with its projected volumes, changes the next
 *       read. A file that is written to in place while it is read is read again; if it never keeps
 *       still, that is an error.
 *   <li><b>A regular file.</b> A pipe or a device would hang the reader, or never end.
 *   <li><b>Bounded.</b> What is longer than any credential is none.
 *   <li><b>Not writable by everybody.</b> Whoever may write to a credential decides who we are, or
 *       whom we believe; such a file is refused. The owner is not looked at: agents that fetch
 *       secrets often run as another user. Group rights are not, either: Kubernetes grants them.
 * </ul>
 *
 * <p>Where the file system knows no POSIX permissions they are not checked.
 */
public final class CredentialFile {
  private static final int ATTEMPTS = 5;

  private CredentialFile() {}

  /**
   * Reads a file. Blocks on the file system.
   *
   * @param file the file, or a link to it
   * @param maxBytes how long it may be
   * @return its content
   * @throws IOException if it cannot be read, is no regular file, is longer, may be written by
   *     everybody or never kept still; the message holds none of its content
   */
  public static byte[] read(Path file, int maxBytes) throws IOException {
    Objects.requireNonNull(file, "file");
    for (int attempt = 1; ; attempt++) {
      try {
        Path target = file.toRealPath();
        BasicFileAttributes before = attributes(file, target);
        byte[] content = content(file, target, maxBytes);
        BasicFileAttributes after = Files.readAttributes(target, BasicFileAttributes.class);
        if (isSame(before, after) && after.size() == content.length) {
          return content;
        }
      } catch (NoSuchFileException e) {
        if (attempt == ATTEMPTS) {
          throw e; // the generation that the link led to was taken away before it was read
        }
      }
      if (attempt >= ATTEMPTS) {
        throw new FileSystemException(
            file.toString(),
            null,
            "expected a file that keeps still, found it changed at each read");
      }
    }
  }

  /**
   * Returns whether everybody on this machine may read a file.
   *
   * @param file the file, or a link to it
   * @return true if so; false if not, or if that cannot be told
   */
  public static boolean isReadableByEverybody(Path file) {
    try {
      return permissions(file.toRealPath()).contains(PosixFilePermission.OTHERS_READ);
    } catch (IOException e) {
      return false; // whoever reads it will say what is wrong
    }
  }

  private static BasicFileAttributes attributes(Path named, Path target) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(target, BasicFileAttributes.class);
    if (!attributes.isRegularFile()) {
      throw new FileSystemException(
          named.toString(),
          null,
          "expected a regular file, found a "
              + (attributes.isDirectory() ? "directory" : "pipe, socket or device"));
    }
    Set<PosixFilePermission> permissions = permissions(target);
    if (permissions.contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new FileSystemException(
          named.toString(),
          null,
          "expected a file that not everybody may write to, found the mode "
              + PosixFilePermissions.toString(permissions)
              + "; take the right away: chmod o-w");
    }
    return attributes;
  }

  private static Set<PosixFilePermission> permissions(Path target) throws IOException {
    try {
      return Files.getPosixFilePermissions(target);
    } catch (UnsupportedOperationException e) {
      return Set.of();
    }
  }

  private static byte[] content(Path named, Path target, int maxBytes) throws IOException {
    byte[] content;
    try (InputStream in = Files.newInputStream(target)) {
      content = in.readNBytes(maxBytes + 1);
    }
    if (content.length > maxBytes) {
      throw new FileSystemException(
          named.toString(), null, "expected at most " + maxBytes + " bytes, found more");
    }
    return content;
  }

  private static boolean isSame(BasicFileAttributes a, BasicFileAttributes b) {
    return Objects.equals(a.fileKey(), b.fileKey())
        && a.size() == b.size()
        && a.lastModifiedTime().equals(b.lastModifiedTime());
  }
}
