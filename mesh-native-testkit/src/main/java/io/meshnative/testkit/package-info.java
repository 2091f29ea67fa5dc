/**
 * An embedded Consul control plane and a test certificate authority, for tests and first steps.
 *
 * <p>Start with {@link io.meshnative.testkit.EmbeddedControlPlane#start()}, or put {@link
 * io.meshnative.testkit.EmbeddedMesh} on a test class.
 */
@NullMarked
package io.meshnative.testkit;

import org.jspecify.annotations.NullMarked;
