package io.meshnative.samples.springboot.orders;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** The application that knows the orders. */
@SpringBootApplication
public class OrdersApplication {
  /**
   * Starts it.
   *
   * @param args settings as {@code --name=value}
   * @return the application that runs
   */
  public static ConfigurableApplicationContext start(String... args) {
    return new SpringApplicationBuilder(OrdersApplication.class)
        .properties("spring.config.name=orders")
        .run(args);
  }

  /**
   * Runs it.
   *
   * @param args settings as {@code --name=value}
   */
  public static void main(String[] args) {
    start(args);
  }
}
