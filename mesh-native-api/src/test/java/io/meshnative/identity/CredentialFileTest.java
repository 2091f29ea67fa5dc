package io.meshnative.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** T52: what is done to credential files while they are read. */
@Timeout(120)
class CredentialFileTest {
  private static final int MOST = 1 << 16;

  @TempDir Path folder;

  private static String read(Path file) throws IOException {
    return new String(CredentialFile.read(file, MOST), StandardCharsets.US_ASCII);
  }

  private Path write(String name, String content, String mode) throws IOException {
    Path file = Files.writeString(folder.resolve(name), content);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    return file;
  }

  @Test
  void t52AFileIsReadThroughItsLinks() throws IOException {
    write("generation", "token", "rw-------");
    Files.createSymbolicLink(folder.resolve("..data"), Path.of("generation"));
    assertThat(read(Files.createSymbolicLink(folder.resolve("token"), Path.of("..data"))))
        .isEqualTo("token");
  }

  /**
   * As Kubernetes does it: a new directory, a link renamed over the old one, the old directory
   * removed. Whatever the moment, a read gives one generation whole.
   */
  @Test
  void t52ALinkThatIsSwappedInMidReadGivesOneGeneration() throws Exception {
    Path data = folder.resolve("..data");
    Path token = Files.createSymbolicLink(folder.resolve("token"), Path.of("..data/token"));
    swap(data, 0);
    AtomicBoolean over = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread swapper =
        new Thread(() -> {
          try {
            for (int generation = 1; !over.get(); generation++) {
              swap(data, generation);
            }
          } catch (Throwable e) {
            failure.set(e);
          }
        });
    swapper.start();
    try {
      for (int i = 0; i < 300; i++) {
        String found;
        try {
          found = read(token);
        } catch (NoSuchFileException e) {
          continue; // swapped at each attempt: an error, and no mixture
        }
        assertThat(found).hasSize(40_000);
        assertThat(found.chars().distinct().count()).as("generations in one read").isEqualTo(1);
      }
    } finally {
      over.set(true);
      swapper.join(TimeUnit.SECONDS.toMillis(60));
    }
    assertThat(failure.get()).isNull();
  }

  private void swap(Path data, int generation) throws IOException {
    Path old = Files.exists(data) ? data.toRealPath() : null;
    Path fresh = Files.createDirectory(folder.resolve("..generation-" + generation));
    String content = String.valueOf((char) ('a' + generation % 26)).repeat(40_000);
    Path file = Files.writeString(fresh.resolve("token"), content);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    Path link =
        Files.createSymbolicLink(folder.resolve("..data_tmp"), Path.of(fresh.getFileName() + ""));
    Files.move(link, data, StandardCopyOption.ATOMIC_MOVE);
    if (old != null) {
      Files.delete(old.resolve("token"));
      Files.delete(old);
    }
  }

  @Test
  void t52APipeIsRefusedAndNotWaitedFor() throws Exception {
    Path pipe = folder.resolve("pipe");
    Process made = new ProcessBuilder("mkfifo", pipe.toString()).start();
    Assumptions.assumeTrue(made.waitFor() == 0, "no mkfifo here");
    Path link = Files.createSymbolicLink(folder.resolve("link"), pipe);
    for (Path file : new Path[] {pipe, link}) {
      assertThatThrownBy(() -> read(file))
          .isInstanceOf(FileSystemException.class)
          .hasMessageContaining("expected a regular file, found a pipe, socket or device");
    }
  }

  @Test
  void t52ADeviceADirectoryAndALongFileAreRefused() throws IOException {
    assertThatThrownBy(() -> read(folder)).hasMessageContaining("found a directory");
    assertThatThrownBy(() -> read(Path.of("/dev/zero"))).hasMessageContaining("device");
    Path file = write("long", "x".repeat(MOST + 1), "rw-------");
    assertThatThrownBy(() -> read(file)).hasMessageContaining("expected at most 65536 bytes");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-rw-rw-", "rw-----w-", "-w--w--w-"})
  void t52AFileThatEverybodyMayWriteToIsRefused(String mode) throws IOException {
    Path file = write("token", "secret-token", mode);
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining(mode)
        .hasMessageContaining("chmod o-w")
        .message()
        .doesNotContain("secret-token");
  }

  @Test
  void t52AGroupMayWriteAndEverybodyMayReadWhichIsToldApart() throws IOException {
    Path group = write("group", "a", "rw-rw----");
    Path world = write("world", "b", "rw-r--r--");
    assertThat(read(group)).isEqualTo("a");
    assertThat(read(world)).isEqualTo("b");
    assertThat(CredentialFile.isReadableByEverybody(group)).isFalse();
    assertThat(CredentialFile.isReadableByEverybody(world)).isTrue();
    assertThat(CredentialFile.isReadableByEverybody(folder.resolve("missing"))).isFalse();
  }
}
