package io.meshnative.samples.springboot.web;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;

/** The application that people see. */
@SpringBootApplication(exclude = DataSourceAutoConfiguration.class)
public class WebApplication {
  /**
   * Starts it.
   *
   * @param args settings as {@code --name=value}
   * @return the application that runs
   */
  public static ConfigurableApplicationContext start(String... args) {
    return new SpringApplicationBuilder(WebApplication.class)
        .properties("spring.config.name=web")
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
