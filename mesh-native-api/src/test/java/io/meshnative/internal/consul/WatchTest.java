package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ControlPlaneException;
import io.meshnative.spi.InvalidUpdateException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import okhttp3.Headers;
import org.junit.jupiter.api.Test;

/** What answers mean for index, value and pause, without time or network. */
class WatchTest {
  private static final Duration HOLD = Duration.ofMinutes(5);

  private final FakeClock clock = new FakeClock();
  private final Script script = new Script();
  private final Seen seen = new Seen();
  private final Watch<List<String>> watch =
      new Watch<>(script, seen, new Calls(), Pace.steady(clock, new SplittableRandom(1)));

  private Duration step() throws InterruptedException {
    Duration pause = watch.step();
    clock.advance(pause);
    return pause;
  }

  @Test
  void theFirstCallAsksAtOnceAndTheNextBlocksOnTheIndexGiven() throws Exception {
    script.answer("41", "a").answer("42", "b").answer("18446744073709551615", "c").answer("1", "d");
    for (int i = 0; i < 4; i++) {
      step();
    }
    assertThat(script.asked).containsExactly("0", "41", "42", "18446744073709551615");
    assertThat(seen.values).containsExactly(List.of("a"), List.of("b"), List.of("c"), List.of("d"));
  }

  @Test
  void aLowerIndexStartsOver() throws Exception {
    script.answer("41", "a").answer("40", "b").answer("40", "b").answer("43", "c");
    for (int i = 0; i < 4; i++) {
      step();
    }
    assertThat(script.asked).containsExactly("0", "41", "0", "40");
  }

  @Test
  void indexesCompareAsUnsigned() throws Exception {
    script
        .answer("9223372036854775807", "a")
        .answer("9223372036854775808", "b")
        .answer("5", "c")
        .answer("5", "c");
    for (int i = 0; i < 4; i++) {
      step();
    }
    assertThat(script.asked)
        .containsExactly("0", "9223372036854775807", "9223372036854775808", "0");
  }

  @Test
  void anIndexOfZeroCountsAsOne() throws Exception {
    script.answer("0", "a").answer("7", "b");
    step();
    step();
    assertThat(script.asked).containsExactly("0", "1");
  }

  @Test
  void aFailureStartsOverAndTheLastValueStands() throws Exception {
    script.answer("41", "a").failure(500).answer("42", "b");
    step();
    step();
    step();
    assertThat(script.asked).containsExactly("0", "41", "0");
    assertThat(seen.values).containsExactly(List.of("a"), List.of("b"));
    assertThat(seen.failures).hasSize(1);
  }

  @Test
  void anEqualBodyIsNotDecodedAgainButTellsThatTheAgentAnswers() throws Exception {
    script.answer("41", "a").answer("42", "a").answer("43", "a").answer("44", "b");
    for (int i = 0; i < 4; i++) {
      step();
    }
    assertThat(script.decoded).isEqualTo(2);
    assertThat(seen.values).containsExactly(List.of("a"), List.of("a"), List.of("a"), List.of("b"));
    assertThat(seen.values.get(2)).isSameAs(seen.values.get(0));
  }

  @Test
  void anEqualBodyOfAnotherMeaningIsDecodedAgain() throws Exception {
    script.answer("41", "a").answer("42", "a");
    step();
    script.variant = "other headers";
    step();
    assertThat(script.decoded).isEqualTo(2);
  }

  @Test
  void anAgentThatAnswersAtOnceWithTheSameIndexIsAskedAboutOnceASecondAndThenLess()
      throws Exception {
    for (int i = 0; i < 100; i++) {
      script.answer("1", "");
    }
    long began = clock.nanoTime();
    for (int i = 0; i < 100; i++) {
      step();
    }
    assertThat(Duration.ofNanos(clock.nanoTime() - began)).isGreaterThan(Duration.ofSeconds(100));
    assertThat(step(script.answer("1", ""))).isEqualTo(Duration.ofSeconds(5));
  }

  private Duration step(Script ignored) throws InterruptedException {
    return step();
  }

  @Test
  void anAgentThatSendsNoIndexIsPolled() throws Exception {
    for (int i = 0; i < 20; i++) {
      script.answer(null, "a");
    }
    long began = clock.nanoTime();
    for (int i = 0; i < 20; i++) {
      step();
    }
    assertThat(script.asked).containsOnly("0");
    assertThat(Duration.ofNanos(clock.nanoTime() - began)).isGreaterThan(Duration.ofSeconds(20));
  }

  @Test
  void anAgentThatReportsAChangeEachTimeIsAskedAboutOnceASecond() throws Exception {
    for (int i = 1; i <= 60; i++) {
      script.answer(Integer.toString(i), Integer.toString(i));
    }
    long began = clock.nanoTime();
    for (int i = 0; i < 60; i++) {
      step();
    }
    assertThat(Duration.ofNanos(clock.nanoTime() - began))
        .isBetween(Duration.ofSeconds(57), Duration.ofSeconds(61));
  }

  @Test
  void fiftyChangesOfIntentionsPassAtOnceAndTheRestAtTenASecond() throws Exception {
    Watch<List<String>> prompt =
        new Watch<>(script, seen, new Calls(), Pace.prompt(clock, new SplittableRandom(1)));
    for (int i = 1; i <= 100; i++) {
      script.answer(Integer.toString(i), Integer.toString(i));
    }
    long began = clock.nanoTime();
    for (int i = 0; i < 49; i++) {
      assertThat(prompt.step()).isEqualTo(Duration.ZERO);
    }
    for (int i = 49; i < 100; i++) {
      clock.advance(prompt.step());
    }
    assertThat(Duration.ofNanos(clock.nanoTime() - began))
        .isBetween(Duration.ofSeconds(5), Duration.ofMillis(5200));
  }

  @Test
  void aWaitThatRanOutCostsNoPause() throws Exception {
    script.answer("41", "a");
    step();
    for (int i = 0; i < 5; i++) {
      script.takes = HOLD;
      script.answer("41", "a");
      assertThat(step()).isEqualTo(Duration.ZERO);
    }
  }

  @Test
  void retriesBeginFastAndGrowToAMinuteWithFullJitter() {
    Backoff backoff = new Backoff(new SplittableRandom(3));
    for (int i = 0; i < 1000; i++) {
      assertThat(backoff.after(1)).isLessThanOrEqualTo(Duration.ofMillis(100));
      assertThat(backoff.after(2)).isLessThanOrEqualTo(Duration.ofSeconds(1));
      assertThat(backoff.after(5)).isLessThanOrEqualTo(Duration.ofSeconds(8));
      assertThat(backoff.after(1_000_000)).isBetween(Duration.ZERO, Duration.ofSeconds(60));
    }
    List<Duration> late =
        java.util.stream.IntStream.range(0, 1000).mapToObj(i -> backoff.after(30)).toList();
    assertThat(late).anyMatch(d -> d.toSeconds() < 10).anyMatch(d -> d.toSeconds() > 50);
  }

  @Test
  void eachFailureIsReportedAndPauses() throws Exception {
    for (int i = 0; i < 10; i++) {
      script.failure(500);
    }
    for (int i = 0; i < 10; i++) {
      assertThat(step()).isLessThanOrEqualTo(Duration.ofSeconds(60));
    }
    assertThat(seen.failures).hasSize(10);
    assertThat(seen.values).isEmpty();
  }

  /** As agents serve roots and leaves while their servers have no leader. */
  @Test
  void anAgentThatAnswersFromItsCacheButFailsWhatBlocksIsAskedLessAndLess() throws Exception {
    script.answer("41", "a");
    step();
    long began = clock.nanoTime();
    for (int i = 0; i < 20; i++) {
      script.failure(500).answer("41", "a");
      step();
      step();
    }
    assertThat(Duration.ofNanos(clock.nanoTime() - began)).isGreaterThan(Duration.ofMinutes(4));
    script.answer("42", "b").failure(500);
    step();
    assertThat(step()).as("after a call that blocked").isLessThan(Duration.ofSeconds(2));
  }

  @Test
  void aCallThatWaitedLongBeforeItFailedIsRepeatedSoon() throws Exception {
    script.answer("41", "a").failure(500).answer("41", "a").failure(500).answer("41", "a");
    for (int i = 0; i < 5; i++) {
      step();
    }
    for (int i = 0; i < 20; i++) {
      script.takes = Duration.ofMinutes(1);
      script.failure(500);
      assertThat(step()).isLessThanOrEqualTo(Duration.ofMillis(100));
      script.answer("41", "a");
      step();
    }
  }

  @Test
  void aValueThatTheSinkRefusesIsAFailureAndOfferedAgain() throws Exception {
    script.answer("41", "a").answer("41", "a");
    seen.refuses = true;
    step();
    assertThat(seen.failures).singleElement().isInstanceOf(ControlPlaneException.class);
    seen.refuses = false;
    step();
    assertThat(script.asked).containsExactly("0", "0");
    assertThat(seen.values).containsExactly(List.of("a"));
    assertThat(seen.reconnected).containsExactly(true);
  }

  @Test
  void anErrorWhileReadingIsAFailureNotTheEndOfTheWatch() throws Exception {
    script.broken = true;
    script.answer("41", "a");
    step();
    assertThat(seen.failures)
        .singleElement()
        .satisfies(e -> assertThat(e).hasMessageContaining("IllegalState"));
    script.broken = false;
    script.answer("41", "a");
    step();
    assertThat(seen.values).hasSize(1);
  }

  @Test
  void t26AListThatEmptiesAfterAFailureCountsOnlyAfterASecondConsistentRead() throws Exception {
    script.answer("41", "a", "b").failure(500).answer("42").confirmation("42", "a", "b");
    step();
    step();
    step();
    assertThat(script.confirmed).isEqualTo(1);
    assertThat(seen.values).containsExactly(List.of("a", "b"), List.of("a", "b"));
    assertThat(seen.failures).hasSize(2);
  }

  @Test
  void t26AListThatEmptiesAfterTheIndexFellIsTakenWhereTheSecondReadAgrees() throws Exception {
    script
        .answer("41", "a")
        .answer("3")
        .confirmation("3")
        .answer("3")
        .answer("9", "c")
        .answer("10");
    for (int i = 0; i < 5; i++) {
      step();
    }
    assertThat(script.confirmed).isEqualTo(1);
    assertThat(seen.failures).hasSize(1);
    assertThat(seen.values)
        .containsExactly(List.of("a"), List.of(), List.of(), List.of("c"), List.of());
  }

  @Test
  void t26WhereTheSecondReadFailsTheLastListHoldsAndTheNextEmptyOneIsDoubtedToo() throws Exception {
    script.answer("41", "a").answer("3").answer("3").confirmation("3");
    script.confirmationFails = true;
    step();
    step();
    script.confirmationFails = false;
    assertThat(seen.values).containsExactly(List.of("a"));
    step();
    assertThat(script.confirmed).isEqualTo(2);
    assertThat(seen.values).containsExactly(List.of("a"), List.of());
  }

  @Test
  void aListThatIsEmptiedInPeaceIsTakenAtOnce() throws Exception {
    script.answer("41", "a").answer("42");
    step();
    step();
    assertThat(script.confirmed).isZero();
    assertThat(seen.values).containsExactly(List.of("a"), List.of());
  }

  @Test
  void aRefusalMayStandInForAValue() throws Exception {
    script.standIn = List.of("nothing");
    script.failure(403);
    assertThat(step()).isEqualTo(Duration.ofSeconds(60));
    assertThat(seen.values).containsExactly(List.of("nothing"));
    assertThat(seen.failures).isEmpty();
  }

  @Test
  void afterCloseNothingIsPushed() throws Exception {
    Calls calls = new Calls();
    Watch<List<String>> closed =
        new Watch<>(script, seen, calls, Pace.steady(clock, new SplittableRandom(1)));
    calls.cancel();
    script.answer("1", "a").failure(500);
    closed.step();
    closed.step();
    assertThat(seen.values).isEmpty();
    assertThat(seen.failures).isEmpty();
  }

  private static final class Seen implements Target<List<String>> {
    final List<List<String>> values = new ArrayList<>();
    final List<Boolean> reconnected = new ArrayList<>();
    final List<IOException> failures = new ArrayList<>();
    boolean refuses;

    @Override
    public void accept(List<String> value, boolean again) throws InvalidUpdateException {
      if (refuses) {
        throw new InvalidUpdateException("expected another");
      }
      values.add(value);
      reconnected.add(again);
    }

    @Override
    public void failed(IOException cause) {
      failures.add(cause);
    }
  }

  private final class Script implements Query<List<String>> {
    final List<String> asked = new ArrayList<>();
    private final Deque<Object> answers = new ArrayDeque<>();
    private Answer confirmation = Exchange.answer("");
    String variant = "";
    Duration takes = Duration.ZERO;
    boolean broken;
    boolean confirmationFails;
    int decoded;
    int confirmed;
    List<String> standIn;

    Script answer(String index, String... words) {
      answers.add(make(index, words));
      return this;
    }

    Script confirmation(String index, String... words) {
      confirmation = make(index, words);
      return this;
    }

    Script failure(int status) {
      answers.add(new ControlPlaneException("failed", status, null, null));
      return this;
    }

    private Answer make(String index, String... words) {
      Headers headers = index == null ? Headers.of() : Headers.of("x-consul-index", index);
      return Exchange.answer(headers, String.join(" ", words));
    }

    @Override
    public String name() {
      return "script";
    }

    @Override
    public Duration hold() {
      return HOLD;
    }

    @Override
    public Answer read(long index) throws IOException {
      asked.add(Long.toUnsignedString(index));
      clock.advance(takes);
      takes = Duration.ZERO;
      Object next = answers.remove();
      if (next instanceof IOException e) {
        throw e;
      }
      return (Answer) next;
    }

    @Override
    public String variant(Answer answer) {
      return variant;
    }

    @Override
    public List<String> decode(Answer answer) {
      if (broken) {
        throw new IllegalStateException("broken");
      }
      decoded++;
      String text = answer.body().readUtf8();
      return text.isEmpty() ? List.of() : Arrays.asList(text.split(" "));
    }

    @Override
    public boolean vanished(List<String> last, List<String> fresh) {
      return fresh.isEmpty() && !last.isEmpty();
    }

    @Override
    public Answer confirm() throws IOException {
      confirmed++;
      if (confirmationFails) {
        throw new ControlPlaneException("failed", 500, null, null);
      }
      return confirmation;
    }

    @Override
    public List<String> instead(ControlPlaneException failure) {
      return failure.status().orElse(0) == 403 ? standIn : null;
    }
  }
}
