/** OkHttp calls to services of a Consul mesh, over mutual TLS, without a proxy. */
module io.meshnative.okhttp {
  requires transitive io.meshnative;
  requires transitive okhttp3;
  requires static transitive org.jspecify;

  exports io.meshnative.okhttp;
}
