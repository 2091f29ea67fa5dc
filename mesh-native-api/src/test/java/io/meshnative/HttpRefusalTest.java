package io.meshnative;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HttpRefusalTest {

  @Test
  void aMalformedRequestIsAnsweredWithoutSayingWhatIsWrongWithIt() {
    MalformedRequestException malformed =
        catchThrowableOfType(
            MalformedRequestException.class,
            () -> HttpRequestView.of("GET", "/a;b", List.of("db"), Map.of()));

    HttpRefusal refusal = HttpRefusal.of(malformed);

    assertThat(refusal).isEqualTo(new HttpRefusal(400, "malformed-request"));
    assertThat(refusal.body()).isEqualTo("malformed-request\n");
  }

  @Test
  void anAnswerHasAnId() {
    assertThatThrownBy(() -> new HttpRefusal(403, null)).isInstanceOf(NullPointerException.class);
  }
}
