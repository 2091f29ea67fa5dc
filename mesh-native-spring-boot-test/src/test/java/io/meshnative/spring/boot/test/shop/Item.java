package io.meshnative.spring.boot.test.shop;

import jakarta.persistence.Entity;
import jakarta.persistence.Id;

/** What the shop sells. */
@Entity(name = "items")
class Item {
  @Id long id;
  String name = "";
}
