package io.meshnative.spring.boot.starter;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import okhttp3.Credentials;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroups;
import org.springframework.boot.security.autoconfigure.actuate.web.servlet.EndpointRequest;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.servlet.ServletWebServerFactory;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The status page as an operator sees it: by HTTP, behind Spring Security, and in a browser. */
@Timeout(300)
class StatusPageTest {
  private static final Duration GUARD = Duration.ofSeconds(60);
  private static final String OPERATOR = Credentials.basic("operator", "of-this-test");
  private static final String HOSTILE_NAME = "<img src=x onerror=document.title=1>";
  private static final String HOSTILE_TEXT =
      "</td></table><script>document.title='owned'</script>\" onmouseover=\"document.title=2";

  private static final String ORDERS_ONLY =
      "[{\"Action\":\"deny\",\"HTTP\":{\"PathPrefix\":\"/admin\"}},"
          + "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"}}]";

  private static EmbeddedControlPlane plane;
  private static ConfigurableApplicationContext shop;
  private static MeshClient web;
  private static OkHttpClient http;
  private static String page;

  @RestController
  @SpringBootConfiguration
  @EnableAutoConfiguration
  static class Shop {
    @GetMapping("/orders")
    String orders() {
      return "none";
    }

    @Bean
    ServletWebServerFactory factory() {
      return new TomcatServletWebServerFactory();
    }

    /** What Spring Boot's own documentation advises for actuator endpoints. */
    @Bean
    SecurityFilterChain actuators(HttpSecurity security) throws Exception {
      return security
          .securityMatcher(EndpointRequest.toAnyEndpoint())
          .authorizeHttpRequests(requests -> requests.anyRequest().hasRole("OPERATOR"))
          .httpBasic(Customizer.withDefaults())
          .build();
    }

    @Bean
    SecurityFilterChain others(HttpSecurity security) throws Exception {
      return security.authorizeHttpRequests(requests -> requests.anyRequest().permitAll()).build();
    }
  }

  @BeforeAll
  static void start() throws Exception {
    // Its logging system would set up that of the whole process anew.
    System.setProperty("org.springframework.boot.logging.LoggingSystem", "none");
    plane = EmbeddedControlPlane.start();
    SpringApplication application = new SpringApplication(Shop.class);
    application.setWebApplicationType(WebApplicationType.SERVLET);
    shop =
        application.run(
            "--mesh-native.service=shop",
            "--mesh-native.consul.address=" + plane.httpAddr(),
            "--mesh-native.server.mode=additional",
            "--mesh-native.server.port=0",
            "--mesh-native.register.enabled=true",
            "--mesh-native.register.address=127.0.0.1",
            "--mesh-native.shutdown-drain=0s",
            "--mesh-native.status-page.enabled=true",
            "--management.endpoint.mesh.access=read-only",
            "--management.endpoints.web.exposure.include=mesh,health",
            "--management.endpoint.health.probes.enabled=true",
            "--spring.security.user.name=operator",
            "--spring.security.user.password=of-this-test",
            "--spring.security.user.roles=OPERATOR",
            "--server.port=0",
            "--server.address=127.0.0.1",
            "--spring.main.banner-mode=off");
    page =
        "http://127.0.0.1:"
            + shop.getEnvironment().getProperty("local.server.port")
            + "/actuator/mesh/page";
    web =
        MeshClient.builder("web")
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    web.awaitReady(GUARD);
    http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
  }

  @AfterAll
  static void stop() {
    web.close();
    shop.close();
    plane.close();
  }

  @BeforeEach
  void beginWithNoIntention() {
    plane.removeIntentions().defaultAllow(true);
  }

  private record Answer(int status, String type, String body) {}

  private static Answer get(String url, String... headers) throws IOException {
    Request.Builder request = new Request.Builder().url(url);
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    try (Response response = http.newCall(request.build()).execute()) {
      return new Answer(
          response.code(), response.header("Content-Type", ""), response.body().string());
    }
  }

  private static Answer asOperator(String url) throws IOException {
    return get(url, "Authorization", OPERATOR, "Accept", "text/html");
  }

  private static void awaitPage(String text) {
    Awaitility.await("the page says " + text)
        .atMost(GUARD)
        .untilAsserted(() -> assertThat(asOperator(page).body()).contains(text));
  }

  /** A request that is let in, and one that is not. */
  private static void callAndBeDenied() {
    plane.intention("web", "shop", ORDERS_ONLY);
    awaitAnswer("/orders", 200);
    awaitAnswer("/admin", 403);
    awaitPage("/svc/web</td>");
  }

  private static void awaitAnswer(String path, int status) {
    Awaitility.await(path + " is answered with " + status)
        .atMost(GUARD)
        .ignoreExceptions()
        .until(() -> get("https://shop.mesh" + path).status() == status);
  }

  // ---- by HTTP ----

  @Test
  void whoMayNotReadTheEndpointMayNotReadThePage() throws IOException {
    assertThat(get(page).status()).isEqualTo(401);
    assertThat(get(page + "?ask=why&service=web").status()).isEqualTo(401);
    assertThat(get(page, "Authorization", Credentials.basic("operator", "guessed")).status())
        .isEqualTo(401);
    Answer answer = asOperator(page);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.type().toLowerCase(java.util.Locale.ROOT).replace(" ", ""))
        .isEqualTo("text/html;charset=utf-8");
    assertThat(asOperator(page.replace("/page", "/elsewhere")).status()).isEqualTo(404);
  }

  @Test
  void itIsReadOnlyAndTheEndpointStaysJson() throws IOException {
    try (Response response =
        http.newCall(
                new Request.Builder()
                    .url(page)
                    .header("Authorization", OPERATOR)
                    .post(okhttp3.RequestBody.create(new byte[0]))
                    .build())
            .execute()) {
      assertThat(response.code()).isIn(403, 405);
    }
    Answer endpoint = get(page.replace("/page", ""), "Authorization", OPERATOR);
    assertThat(endpoint.type()).contains("json");
    assertThat(endpoint.body()).contains("\"service\":\"shop\"", "\"roots\":[{", "\"rules\":");
    Answer why = get(page.replace("/page", "/why/web?path=/orders"), "Authorization", OPERATOR);
    assertThat(why.body()).contains("\"allowed\":true");
    assertThat(get(page.replace("/page", "/why/..;"), "Authorization", OPERATOR).status())
        .isEqualTo(400);
  }

  @Test
  void itHoldsNoSecretAndLoadsNothing() throws IOException {
    String body = asOperator(page).body();
    assertThat(body)
        .contains("Content-Security-Policy", "default-src &#39;none&#39;")
        .doesNotContain("BEGIN ", "PRIVATE", "<script", "http://", "https://", "@import", "url(");
  }

  @Test
  void healthOfTheMeshIsReadinessAndNeverLiveness() throws IOException {
    HealthEndpointGroups groups = shop.getBean(HealthEndpointGroups.class);
    assertThat(groups.get("readiness").isMember("mesh")).isTrue();
    assertThat(groups.get("readiness").isMember("readinessState")).isTrue();
    assertThat(groups.get("liveness").isMember("mesh")).isFalse();
    String health = page.replace("/mesh/page", "/health");
    assertThat(get(health + "/readiness", "Authorization", OPERATOR).body())
        .contains("\"status\":\"UP\"");
  }

  // ---- in a browser ----

  private static Chromium browser() throws IOException {
    Chromium browser = Chromium.start();
    browser.call(
        "Network.setExtraHTTPHeaders", Map.of("headers", Map.of("Authorization", OPERATOR)));
    browser.screen(1280, 900, false, "light");
    return browser;
  }

  private static void hostileIntention() {
    plane.rawIntention(
        "shop",
        """
        {"SourceNS":"default","SourceName":"%s","DestinationNS":"default","DestinationName":"shop",
         "SourceType":"consul","Action":"deny","Description":"%s","Precedence":9}\
        """
            .formatted(HOSTILE_NAME, HOSTILE_TEXT.replace("\"", "\\\"")));
    awaitPage("&lt;img src=x");
  }

  private static void assertQuiet(Chromium browser) {
    assertThat(browser.events("Runtime.exceptionThrown")).isEmpty();
    assertThat(browser.events("Runtime.consoleAPICalled")).isEmpty();
    assertThat(browser.events("Log.entryAdded")).isEmpty();
    String origin = page.substring(0, page.indexOf("/actuator"));
    assertThat(browser.events("Network.requestWillBeSent"))
        .isNotEmpty()
        .allSatisfy(event -> {
          String url = String.valueOf(((Map<?, ?>) event.get("request")).get("url"));
          assertThat(url).matches(each -> each.startsWith(origin) || each.equals("data:,"));
        });
  }

  @Test
  void aPersonSeesWhoCallsWhomAndWhySomebodyWasDenied() throws Exception {
    callAndBeDenied();
    try (Chromium browser = browser()) {
      browser.forget();
      browser.open(page);
      assertThat(browser.evaluate("document.title")).isEqualTo("shop in the mesh");
      assertThat(browser.text("h1")).isEqualTo("shop is READY");
      assertThat(browser.text("section[aria-labelledby=who]")).contains("/svc/shop", "answers");
      assertThat(browser.text("section[aria-labelledby=lives]"))
          .contains("own leaf", "root of " + plane.trustDomain(), "in force");
      assertThat(browser.evaluate("document.querySelectorAll('svg rect.left').length"))
          .isEqualTo(2.0);
      assertThat(browser.text("section[aria-labelledby=callers]"))
          .contains("default/web → shop 2 permissions, request by request 9");
      assertThat(browser.text("section[aria-labelledby=denied]"))
          .contains("/svc/web", "default/web => default/shop");
      assertQuiet(browser);

      browser.evaluate("document.getElementById('service').value = 'web'");
      browser.loading(() -> browser.evaluate("document.querySelector('form button').click()"));
      assertThat(browser.text("#answer"))
          .startsWith("web → shop: denied")
          .contains("judges HTTP requests", "default/web => default/shop");
      browser.evaluate("document.getElementById('path').value = '/admin'");
      browser.loading(() -> browser.evaluate("document.querySelector('form button').click()"));
      assertThat(browser.text("#answer")).startsWith("web → shop: denied");
      browser.evaluate("document.getElementById('path').value = '/orders'");
      browser.loading(() -> browser.evaluate("document.querySelector('form button').click()"));
      assertThat(browser.text("#answer")).startsWith("web → shop: allowed");
      assertThat(browser.evaluate("document.getElementById('path').value")).isEqualTo("/orders");
      browser.evaluate("document.getElementById('ask').value = 'why-to'");
      browser.evaluate("document.getElementById('service').value = 'not a name'");
      browser.loading(() -> browser.evaluate("document.querySelector('form button').click()"));
      assertThat(browser.text("#answer")).startsWith("expected a service name");

      plane.reissueLeaves();
      awaitPage("a new leaf");
      browser.open(page);
      assertThat(browser.text("section[aria-labelledby=lives]")).contains("a new leaf");
      assertQuiet(browser);
    }
  }

  @Test
  void textOfOthersIsTextAndThePageIsReadableOnEveryScreen() throws Exception {
    hostileIntention();
    try (Chromium browser = browser()) {
      browser.forget();
      String question =
          new Request.Builder()
              .url(page)
              .build()
              .url()
              .newBuilder()
              .addQueryParameter("ask", "why")
              .addQueryParameter("service", "\"><script>document.title='asked'</script>")
              .addQueryParameter("path", "'\"><img src=x onerror=document.title=3>")
              .build()
              .toString();
      browser.open(question);
      assertThat(browser.evaluate("document.title")).isEqualTo("shop in the mesh");
      assertThat(browser.text("section[aria-labelledby=callers]"))
          .contains(HOSTILE_NAME, HOSTILE_TEXT);
      assertThat(browser.evaluate("document.getElementById('service').value"))
          .isEqualTo("\"><script>document.title='asked'</script>");
      assertThat(
              browser.evaluate(
                  "document.querySelectorAll('script,img,iframe,[onmouseover]').length"))
          .isEqualTo(0.0);
      assertQuiet(browser);
      Readability.assertAccessible(browser);
      for (String scheme : List.of("light", "dark")) {
        for (int width : new int[] {320, 768, 1280}) {
          browser.screen(width, 800, width < 500, scheme);
          assertThat(browser.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"))
              .isEqualTo(scheme.equals("dark"));
          Readability.assertReadable(browser, scheme + ", " + width + " px");
        }
      }
      assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
          .as("the style is applied: its policy is not against it")
          .isEqualTo("rgb(13, 17, 23)");
    }
  }
}
