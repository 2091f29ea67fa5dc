package io.meshnative.spring.boot.test.shop;

import org.springframework.stereotype.Component;
import org.springframework.web.client.RestClient;

/** Whom the shop asks. */
@Component
class Orders {
  private final RestClient http;

  Orders(RestClient.Builder builder) {
    http = builder.baseUrl("https://orders.mesh").build();
  }

  String seven() {
    return http.get().uri("/orders/7").retrieve().body(String.class);
  }
}
