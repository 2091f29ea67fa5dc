/**
 * OkHttp calls to services of a Consul mesh, over mutual TLS, without a proxy.
 *
 * <p>Start with {@link io.meshnative.okhttp.MeshOkHttp#install}.
 */
@NullMarked
package io.meshnative.okhttp;

import org.jspecify.annotations.NullMarked;
