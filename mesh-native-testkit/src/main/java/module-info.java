/**
 * The test kit of mesh-native: an embedded Consul control plane, a test certificate authority and a
 * JUnit extension.
 *
 * <p>It is meant for tests, demos and first steps. It hands out private keys over plain HTTP on
 * loopback, so it has no place in production.
 */
module io.meshnative.testkit {
  requires transitive org.jspecify;
  requires java.logging;
  requires com.squareup.moshi;
  requires mockwebserver3;
  requires okhttp3;
  requires okio;
  requires org.bouncycastle.pkix;
  requires org.bouncycastle.provider;
  requires org.bouncycastle.util;
  // Only users of @EmbeddedMesh need JUnit on their path.
  requires static org.junit.jupiter.api;

  uses io.meshnative.testkit.EmbeddedMeshSource;

  exports io.meshnative.testkit;
}
