package io.meshnative.spring.boot.test.shop;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What the shop answers. */
@RestController
class Door {
  @GetMapping("/")
  String hello() {
    return "hello";
  }
}
