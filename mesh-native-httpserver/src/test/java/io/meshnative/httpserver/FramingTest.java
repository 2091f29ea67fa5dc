package io.meshnative.httpserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.Headers;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** T39: what newer JDKs refuse by themselves is refused here on each of them. */
class FramingTest {

  private static Optional<String> defect(String protocol, String... lines) {
    Headers headers = new Headers();
    for (String line : lines) {
      String[] parts = line.split(":", 2);
      headers.add(parts[0], parts[1]);
    }
    return Framing.defect(protocol, headers);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length:0",
        "Content-Length:999999999999999999",
        "Transfer-Encoding:chunked",
        "Transfer-Encoding:Chunked",
        "X:y"
      })
  void aMessageWithOneEndIsTaken(String line) {
    assertThat(defect("HTTP/1.1", line)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"+5", "-1", "", " 5", "5,5", "0x5", "5 5", "9999999999999999999"})
  void aLengthThatIsNoRowOfDigitsIsRefused(String length) {
    assertThat(defect("HTTP/1.1", "Content-Length:" + length)).isPresent();
  }

  @ParameterizedTest
  @CsvSource({
    "Content-Length:5, Content-Length:5",
    "Content-Length:5, Content-Length:6",
    "Content-Length:5, Transfer-Encoding:chunked",
    "Transfer-Encoding:chunked, Transfer-Encoding:chunked",
    "Transfer-Encoding:gzip, X:y",
    "Transfer-Encoding:xchunked, X:y"
  })
  void aMessageWithTwoEndsIsRefused(String one, String other) {
    assertThat(defect("HTTP/1.1", one, other)).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/1.2", "HTTP/2.0", "http/1.1", "", "HTTP/1.1x", "HTTP/1.1\nHost:"})
  void anotherVersionIsRefused(String protocol) {
    assertThat(defect(protocol)).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/1.0"})
  void theOldVersionKnowsNoChunks(String protocol) {
    assertThat(defect(protocol)).isEmpty();
    assertThat(defect(protocol, "Transfer-Encoding:chunked")).isPresent();
  }
}
