package io.meshnative.internal.transport;

import io.meshnative.MeshEvent;
import io.meshnative.MeshSnapshot;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/**
 * How often was decided what, and how connections ended. Counting takes no lock and allocates
 * nothing: it is done for each request.
 */
public final class Tally {
  private static final MeshEvent.Direction[] DIRECTIONS = MeshEvent.Direction.values();
  private static final MeshSnapshot.Layer[] LAYERS = MeshSnapshot.Layer.values();
  private static final MeshSnapshot.Verdict[] VERDICTS = MeshSnapshot.Verdict.values();
  private static final MeshSnapshot.Ending[] ENDINGS = MeshSnapshot.Ending.values();

  private final LongAdder[] verdicts = zeros(DIRECTIONS.length * LAYERS.length * VERDICTS.length);
  private final LongAdder[] endings = zeros(DIRECTIONS.length * ENDINGS.length);

  private static LongAdder[] zeros(int size) {
    return Stream.generate(LongAdder::new).limit(size).toArray(LongAdder[]::new);
  }

  private LongAdder count(
      MeshEvent.Direction direction, MeshSnapshot.Layer layer, MeshSnapshot.Verdict verdict) {
    return verdicts[
        (direction.ordinal() * LAYERS.length + layer.ordinal()) * VERDICTS.length
            + verdict.ordinal()];
  }

  private LongAdder count(MeshEvent.Direction direction, MeshSnapshot.Ending ending) {
    return endings[direction.ordinal() * ENDINGS.length + ending.ordinal()];
  }

  void decided(
      MeshEvent.Direction direction, MeshSnapshot.Layer layer, MeshSnapshot.Verdict verdict) {
    count(direction, layer, verdict).increment();
  }

  void ended(MeshEvent.Direction direction, MeshSnapshot.Ending ending) {
    count(direction, ending).increment();
  }

  public Map<MeshSnapshot.Judgement, Long> judgements() {
    Map<MeshSnapshot.Judgement, Long> counts = new LinkedHashMap<>();
    for (MeshEvent.Direction direction : DIRECTIONS) {
      for (MeshSnapshot.Layer layer : LAYERS) {
        for (MeshSnapshot.Verdict verdict : VERDICTS) {
          counts.put(
              new MeshSnapshot.Judgement(direction, layer, verdict),
              count(direction, layer, verdict).sum());
        }
      }
    }
    return counts;
  }

  public Map<MeshSnapshot.Ended, Long> endings() {
    Map<MeshSnapshot.Ended, Long> counts = new LinkedHashMap<>();
    for (MeshEvent.Direction direction : DIRECTIONS) {
      for (MeshSnapshot.Ending ending : ENDINGS) {
        counts.put(new MeshSnapshot.Ended(direction, ending), count(direction, ending).sum());
      }
    }
    return counts;
  }
}
