package io.meshnative.benchmarks.spring;

import java.lang.management.ManagementFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;

/** An application that is measured while it starts; it ends when it is up. */
@SpringBootApplication
@RestController
public class StartedApplication {
  static final String UP = "up ";

  private final RestClient http;

  StartedApplication(RestClient.Builder builder) {
    this.http = builder.build();
  }

  @GetMapping("/")
  String answer() {
    return "an application with " + http;
  }

  /**
   * Starts, says how much CPU that took, in nanoseconds, and ends at once.
   *
   * @param args settings as {@code --name=value}
   */
  public static void main(String[] args) {
    SpringApplication.run(StartedApplication.class, args);
    var machine =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    System.out.println(UP + machine.getProcessCpuTime());
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }
}
