package io.meshnative.tests;

import io.meshnative.MeshPeer;
import java.util.Optional;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** What every application of these tests answers. */
@RestController
class BootDoor {
  @GetMapping("/")
  String hello(Optional<MeshPeer> peer) {
    return "hello " + peer.map(known -> known.service().service()).orElse("nobody");
  }
}
