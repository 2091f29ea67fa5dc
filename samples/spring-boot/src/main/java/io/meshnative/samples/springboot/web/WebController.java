package io.meshnative.samples.springboot.web;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.PeerRefusedException;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.RestClientResponseException;

/** Asks the other application, as it would ask any host. */
@RestController
class WebController {
  private final RestClient orders;

  WebController(RestClient.Builder builder) {
    this.orders = builder.baseUrl("https://spring-sample-orders.mesh").build();
  }

  @GetMapping("/orders/{id}")
  ResponseEntity<String> order(@PathVariable int id) {
    return orders.get().uri("/orders/{id}", id).retrieve().toEntity(String.class);
  }

  @DeleteMapping("/orders/{id}")
  ResponseEntity<String> cancel(@PathVariable int id) {
    return orders.delete().uri("/orders/{id}", id).retrieve().toEntity(String.class);
  }

  /** What was answered is passed on, with the reason of a refusal. */
  @ExceptionHandler
  ResponseEntity<String> answered(RestClientResponseException answer) {
    String refusal =
        answer.getResponseHeaders() == null
            ? null
            : answer.getResponseHeaders().getFirst("mesh-refusal");
    return ResponseEntity.status(answer.getStatusCode())
        .headers(headers -> {
          if (refusal != null) {
            headers.set("mesh-refusal", refusal);
          }
        })
        .body(answer.getResponseBodyAsString());
  }

  /** Nothing was answered: the mesh let no request through, or the connection failed. */
  @ExceptionHandler
  ResponseEntity<String> refused(ResourceAccessException failure) {
    Throwable why = failure.getMostSpecificCause();
    boolean denied =
        why instanceof MeshAuthorizationException || why instanceof PeerRefusedException;
    return ResponseEntity.status(denied ? HttpStatus.FORBIDDEN : HttpStatus.BAD_GATEWAY)
        .body(why.getMessage());
  }
}
