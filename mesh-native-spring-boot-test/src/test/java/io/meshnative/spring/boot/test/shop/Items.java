package io.meshnative.spring.boot.test.shop;

import org.springframework.data.jpa.repository.JpaRepository;

/** All that the shop sells. */
interface Items extends JpaRepository<Item, Long> {
  Item findByName(String name);
}
