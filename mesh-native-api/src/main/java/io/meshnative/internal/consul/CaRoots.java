package io.meshnative.internal.consul;

import io.meshnative.spi.TrustUpdate;

/**
 * What the agent tells of the mesh's authority.
 *
 * @param update the roots
 * @param signingKey the id of the key that signs leaves now, as hex pairs between colons; empty
 *     where the agent does not say
 */
record CaRoots(TrustUpdate update, String signingKey) {}
