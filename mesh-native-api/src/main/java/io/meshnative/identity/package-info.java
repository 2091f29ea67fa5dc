/**
 * Who a workload is: SPIFFE ids, Consul's ids, the identity a service holds, and the roots it
 * trusts.
 *
 * <p>Values only. Nothing here knows of TLS, HTTP or Consul's API.
 */
@org.jspecify.annotations.NullMarked
package io.meshnative.identity;
