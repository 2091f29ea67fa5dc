package io.meshnative.benchmarks.spring;

import java.io.File;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** How the application is started. */
enum StartKind {
  WITHOUT("without the starter", "-"),
  OFF("`mesh-native.enabled=false`", "enabled=false"),
  CLIENT("a member that calls", "startup=require"),
  SERVER("a member that also serves", "server.mode=primary");

  /** What the starter brings along; and what only this program needs, which nobody is to find. */
  private static final Pattern OF_THE_STARTER =
      Pattern.compile(
          "mesh-native-(?!benchmark)[^/]*(/target/classes/?|\\.jar)$"
              + "|/(okhttp|okio|kotlin-stdlib|annotations-13|bcp|bcutil|caffeine|re2j|moshi"
              + "|conscrypt|reactor-|reactive-streams|netty-)[^/]*$");

  private static final Pattern OF_THE_PROGRAM =
      Pattern.compile(
          "mesh-native-testkit[^/]*(/target/classes/?|\\.jar)$"
              + "|/(mockwebserver|junit|jmh|jopt|commons-math)[^/]*$");

  final String title;
  private final String setting;

  StartKind(String title, String setting) {
    this.title = title;
    this.setting = setting;
  }

  /** The class path of the application, out of this program's. */
  String classPath(String whole) {
    return Arrays.stream(whole.split(File.pathSeparator))
        .filter(entry -> !OF_THE_PROGRAM.matcher(entry).find())
        .filter(entry -> this != WITHOUT || !OF_THE_STARTER.matcher(entry).find())
        .collect(Collectors.joining(File.pathSeparator));
  }

  List<String> arguments(String agent) {
    List<String> common =
        List.of(
            "--server.port=0",
            "--server.address=127.0.0.1",
            "--spring.main.banner-mode=off",
            "--logging.level.root=off");
    if (this == WITHOUT) {
      return common;
    }
    return Stream.concat(
            common.stream(),
            Stream.of(
                "--mesh-native.service=started",
                "--mesh-native.consul.address=" + agent,
                "--mesh-native.startup-timeout=60s",
                "--mesh-native." + setting))
        .toList();
  }
}
