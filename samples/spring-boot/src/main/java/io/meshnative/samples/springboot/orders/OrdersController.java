package io.meshnative.samples.springboot.orders;

import io.meshnative.MeshPeer;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpStatus;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Answers whom the mesh lets through, and knows who that is. */
@RestController
class OrdersController {
  private final JdbcClient database;

  OrdersController(JdbcClient database) {
    this.database = database;
  }

  @GetMapping("/orders/{id}")
  String order(@PathVariable int id, MeshPeer caller) {
    String item =
        database
            .sql("SELECT item FROM spring_sample_orders WHERE id = ?")
            .param(id)
            .query(String.class)
            .single();
    return "order " + id + ", for " + caller.service().service() + ": " + item;
  }

  @DeleteMapping("/orders/{id}")
  String cancel(@PathVariable int id, MeshPeer caller) {
    return "order " + id + " would be cancelled for " + caller.service().service();
  }

  @ExceptionHandler
  @ResponseStatus(HttpStatus.SERVICE_UNAVAILABLE)
  String withoutDatabase(DataAccessException failure) {
    return "no database: " + failure.getMostSpecificCause().getMessage();
  }
}
