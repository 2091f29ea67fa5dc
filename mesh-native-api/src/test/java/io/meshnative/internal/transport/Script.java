package io.meshnative.internal.transport;

import io.meshnative.internal.transport.Scene.Mishap;
import io.meshnative.internal.transport.Stage.Role;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Scenes in a random order with random sizes, and one ending.
 *
 * @param seed makes the same script again
 * @param scenes what happens
 */
record Script(long seed, List<Scene> scenes) {
  private static final int[] SIZES = {1, 2, 100, 16_383, 16_384, 16_385, 60_000};
  private static final int HUGE = 3 << 20;

  Script {
    scenes = List.copyOf(scenes);
  }

  /**
   * Makes a script.
   *
   * @param ending which of the endings; scripts of successive numbers go through all of them
   */
  static Script random(long seed, int ending) {
    Random random = new Random(seed);
    List<Scene> scenes = new ArrayList<>();
    int count = 4 + random.nextInt(6);
    for (int i = 0; i < count; i++) {
      scenes.add(scene(random));
    }
    List<Scene> endings = endings(random);
    scenes.add(endings.get(Math.floorMod(ending, endings.size())));
    return new Script(seed, scenes);
  }

  private static Scene scene(Random random) {
    Role role = role(random);
    return switch (random.nextInt(14)) {
      case 0, 1, 2 -> new Scene.Send(role, size(random), step(random), random.nextLong());
      case 3 ->
          new Scene.Send(role, random.nextInt(HUGE), 1 + random.nextInt(HUGE), random.nextLong());
      case 4, 5 ->
          new Scene.Duplex(
              20_000 + random.nextInt(300_000), 10 + random.nextInt(40_000), random.nextLong());
      case 6 -> new Scene.Crowd(role, 3, 5_000 + random.nextInt(20_000), random.nextLong());
      case 7, 8 -> new Scene.Rekey(role);
      case 9 -> new Scene.SilentRead(role, 1 + random.nextInt(20));
      case 10 ->
          new Scene.MidRecord(
              role, 200 + random.nextInt(16_000), random.nextInt(100), random.nextLong());
      case 11 -> {
        int bytes = 2 + random.nextInt(15_000);
        yield new Scene.Available(role, bytes, random.nextInt(Math.min(bytes, 8_000)));
      }
      case 12 -> new Scene.Trifles(role);
      default ->
          random.nextBoolean()
              ? new Scene.Session(role)
              : new Scene.Options(role, random.nextBoolean(), 1 + random.nextInt(50));
    };
  }

  private static List<Scene> endings(Random random) {
    List<Scene> endings = new ArrayList<>();
    int huge = 2 * HUGE + random.nextInt(HUGE);
    for (Role role : Role.values()) {
      endings.add(new Scene.Close(role, random.nextInt(100_000)));
      endings.add(new Scene.HalfClose(role, 1 + random.nextInt(50_000), random.nextLong()));
      endings.add(new Scene.ShutInput(role));
      endings.add(new Scene.ShutInputAfterEnd(role));
      endings.add(new Scene.CloseUnderway(role, false));
      endings.add(new Scene.CloseUnderway(role, true));
      endings.add(new Scene.InterruptedRead(role));
      endings.add(new Scene.InterruptedWrite(role, huge));
      for (Mishap mishap : Mishap.values()) {
        endings.add(new Scene.Failure(mishap, role));
      }
    }
    endings.add(new Scene.CloseBoth());
    endings.add(new Scene.Jam(huge, random.nextLong()));
    return endings;
  }

  /** How many scripts go through all endings. */
  static int endings() {
    return endings(new Random(0)).size();
  }

  private static Role role(Random random) {
    return random.nextBoolean() ? Role.CLIENT : Role.SERVER;
  }

  private static int size(Random random) {
    return random.nextBoolean() ? SIZES[random.nextInt(SIZES.length)] : 1 + random.nextInt(100_000);
  }

  private static int step(Random random) {
    return random.nextInt(4) == 0 ? 20 + random.nextInt(80) : 100 + random.nextInt(60_000);
  }
}
