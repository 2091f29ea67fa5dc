package io.meshnative.internal.transport;

import io.meshnative.MeshEvent;
import io.meshnative.MeshSnapshot;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * How often was decided what, and how connections ended. Counting takes no lock and allocates
 * nothing: it is done for each request.
 */
public final class Tally {
  private final Map<
          MeshEvent.Direction, Map<MeshSnapshot.Layer, Map<MeshSnapshot.Verdict, LongAdder>>>
      verdicts = new EnumMap<>(MeshEvent.Direction.class);

  private final Map<MeshEvent.Direction, Map<MeshSnapshot.Ending, LongAdder>> endings =
      new EnumMap<>(MeshEvent.Direction.class);

  public Tally() {
    for (MeshEvent.Direction direction : MeshEvent.Direction.values()) {
      Map<MeshSnapshot.Layer, Map<MeshSnapshot.Verdict, LongAdder>> layers =
          new EnumMap<>(MeshSnapshot.Layer.class);
      for (MeshSnapshot.Layer layer : MeshSnapshot.Layer.values()) {
        Map<MeshSnapshot.Verdict, LongAdder> counts = new EnumMap<>(MeshSnapshot.Verdict.class);
        for (MeshSnapshot.Verdict verdict : MeshSnapshot.Verdict.values()) {
          counts.put(verdict, new LongAdder());
        }
        layers.put(layer, counts);
      }
      verdicts.put(direction, layers);
      Map<MeshSnapshot.Ending, LongAdder> counts = new EnumMap<>(MeshSnapshot.Ending.class);
      for (MeshSnapshot.Ending ending : MeshSnapshot.Ending.values()) {
        counts.put(ending, new LongAdder());
      }
      endings.put(direction, counts);
    }
  }

  void decided(
      MeshEvent.Direction direction, MeshSnapshot.Layer layer, MeshSnapshot.Verdict verdict) {
    verdicts.get(direction).get(layer).get(verdict).increment();
  }

  void ended(MeshEvent.Direction direction, MeshSnapshot.Ending ending) {
    endings.get(direction).get(ending).increment();
  }

  public Map<MeshSnapshot.Judgement, Long> judgements() {
    Map<MeshSnapshot.Judgement, Long> counts = new LinkedHashMap<>();
    verdicts.forEach((direction, layers) ->
        layers.forEach((layer, each) ->
            each.forEach((verdict, count) ->
                counts.put(new MeshSnapshot.Judgement(direction, layer, verdict), count.sum()))));
    return counts;
  }

  public Map<MeshSnapshot.Ended, Long> endings() {
    Map<MeshSnapshot.Ended, Long> counts = new LinkedHashMap<>();
    endings.forEach((direction, each) ->
        each.forEach(
            (ending, count) -> counts.put(new MeshSnapshot.Ended(direction, ending), count.sum())));
    return counts;
  }
}
