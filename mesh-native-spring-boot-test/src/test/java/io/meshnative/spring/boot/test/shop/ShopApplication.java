package io.meshnative.spring.boot.test.shop;

import org.springframework.boot.autoconfigure.SpringBootApplication;

/** A member of the mesh with a bit of everything. */
@SpringBootApplication
class ShopApplication {}
