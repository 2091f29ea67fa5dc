/**
 * TLS: trust epochs and policies, proofs of peers, key and trust managers bound to one epoch,
 * engines that check after the handshake. Knows nothing of Consul's API and nothing of sockets.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.internal.tls;
