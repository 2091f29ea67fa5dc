/**
 * Native Consul service-mesh integration: identity, mutual TLS and intentions in the process.
 *
 * <p>Some dependencies are automatic modules (Okio, Moshi, RE2/J, Conscrypt): the module path
 * works, {@code jlink} does not.
 */
module io.meshnative {
  requires com.github.benmanes.caffeine;
  requires com.squareup.moshi;
  requires okhttp3;
  requires okio;
  requires org.bouncycastle.pkix;
  requires org.bouncycastle.provider;
  requires org.bouncycastle.util;
  requires re2j;
  // Absent from images that jlink made without it and from some virtual machines: nothing is
  // recorded there, and all else works. Where a recording can run, the module is there.
  requires static jdk.jfr;
  // For those who bind the meters or start the observations; nothing else touches them.
  requires static micrometer.commons;
  requires static micrometer.core;
  requires static micrometer.observation;
  // Present or not at run time: without it TLS runs on the JDK.
  requires static org.conscrypt;
  // Annotations only; transitive, so that users' compilers see nullness.
  requires static transitive org.jspecify;

  exports io.meshnative;
  exports io.meshnative.consul;
  exports io.meshnative.discovery;
  exports io.meshnative.identity;
  exports io.meshnative.intention;
  exports io.meshnative.micrometer;
  exports io.meshnative.spi;

  uses io.meshnative.MeshClientProvider;

  provides io.meshnative.MeshClientProvider with
      io.meshnative.internal.client.ClientProvider;
}
