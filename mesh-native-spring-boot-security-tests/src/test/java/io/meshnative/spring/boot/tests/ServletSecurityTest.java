package io.meshnative.spring.boot.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshPeer;
import io.meshnative.spring.boot.security.MeshAuthentication;
import io.meshnative.spring.boot.security.MeshPeerAuthorities;
import io.meshnative.spring.boot.tests.Caller.Answer;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.security.Principal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import okhttp3.Credentials;
import okhttp3.OkHttpClient;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.context.HttpSessionSecurityContextRepository;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A whole application with Spring Security, called by peers and from outside the mesh. */
@EmbeddedMesh
class ServletSecurityTest {
  private static final Duration GUARD = Duration.ofSeconds(60);
  private static final OkHttpClient OUTSIDE = new OkHttpClient();

  private static ConfigurableApplicationContext shop;
  private static Caller billing;
  private static Caller spy;

  @BeforeAll
  static void start(EmbeddedControlPlane plane) throws Exception {
    plane.defaultAllow(true);
    shop =
        new SpringApplication(Shop.class)
            .run(
                Stream.of(
                        "mesh-native.service=shop",
                        "mesh-native.consul.address=" + plane.httpAddr(),
                        "mesh-native.server.mode=additional",
                        "mesh-native.server.port=0",
                        "mesh-native.register.enabled=true",
                        "mesh-native.register.address=127.0.0.1",
                        "mesh-native.shutdown-drain=0s",
                        "management.server.port=0",
                        "management.server.address=127.0.0.1",
                        "management.endpoints.web.exposure.include=*",
                        "server.port=0",
                        "server.address=127.0.0.1",
                        "spring.main.banner-mode=off")
                    .map(each -> "--" + each)
                    .toArray(String[]::new));
    billing = new Caller(plane, "billing");
    spy = new Caller(plane, "spy");
    for (Caller each : new Caller[] {billing, spy}) {
      Awaitility.await("the application is found, and ready")
          .atMost(GUARD)
          .ignoreExceptions()
          .until(() -> each.get("/who").code() == 200);
    }
  }

  @AfterAll
  static void stop() {
    billing.close();
    spy.close();
    shop.close();
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration
  @Import(Controller.class)
  static class Shop {
    @Bean
    MeshPeerAuthorities authorities() {
      return peer ->
          switch (peer.service().service()) {
            case "billing" -> AuthorityUtils.createAuthorityList("ROLE_MESH_PEER", "invoices");
            case "broken" -> throw new IllegalStateException("the directory is away");
            default -> MeshPeerAuthorities.PEER;
          };
    }

    @Bean
    UserDetailsService users() {
      return new InMemoryUserDetailsManager(
          User.withUsername("carol").password("{noop}secret").roles("USER").build());
    }

    /** Saves each request's context by itself, as applications of older times have it. */
    @Bean
    @Order(1)
    SecurityFilterChain old(HttpSecurity http) {
      return http.securityMatcher("/old/**")
          .securityContext(contexts -> contexts.requireExplicitSave(false))
          .sessionManagement(sessions -> sessions.requireExplicitAuthenticationStrategy(false))
          .authorizeHttpRequests(requests -> requests.anyRequest().permitAll())
          .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain chain(HttpSecurity http) {
      return http.authorizeHttpRequests(requests ->
              requests
                  .requestMatchers("/who", "/plant", "/maybe", "/session")
                  .permitAll()
                  .requestMatchers("/invoices")
                  .hasAuthority("invoices")
                  .requestMatchers("/users")
                  .hasRole("USER")
                  .anyRequest()
                  .authenticated())
          .httpBasic(Customizer.withDefaults())
          .build();
    }
  }

  @RestController
  static class Controller {
    volatile @Nullable MeshAuthentication last;

    @GetMapping({"/who", "/invoices", "/users", "/late", "/old/who"})
    String who(HttpServletRequest request) {
      Principal principal = request.getUserPrincipal();
      if (principal instanceof MeshAuthentication peer) {
        last = peer;
      }
      return principal == null
          ? "nobody"
          : principal.getClass().getSimpleName()
              + " "
              + principal.getName()
              + " "
              + SecurityContextHolder.getContext().getAuthentication().getAuthorities();
    }

    @GetMapping("/async")
    Callable<String> later(HttpServletRequest request) {
      return () -> who(request);
    }

    @GetMapping("/error/thrown")
    String thrown() {
      throw new IllegalStateException("thrown");
    }

    @GetMapping("/principal")
    String principal(
        @AuthenticationPrincipal MeshPeer peer,
        @AuthenticationPrincipal(expression = "service().service()") String service,
        MeshPeer connected) {
      return peer.id() + " " + service + " " + peer.equals(connected);
    }

    @GetMapping("/maybe")
    String maybe(@AuthenticationPrincipal @Nullable MeshPeer peer) {
      return peer == null ? "none" : peer.getName();
    }

    @GetMapping({"/session", "/old/session"})
    String session(HttpServletRequest request) {
      return "stored: "
          + request
              .getSession(true)
              .getAttribute(HttpSessionSecurityContextRepository.SPRING_SECURITY_CONTEXT_KEY);
    }

    /** What no application should do. */
    @GetMapping({"/plant", "/old/plant"})
    String plant(HttpServletRequest request) {
      HttpSession session = request.getSession(true);
      session.setAttribute(
          HttpSessionSecurityContextRepository.SPRING_SECURITY_CONTEXT_KEY,
          SecurityContextHolder.getContext());
      return "planted";
    }
  }

  private static Answer outside(String port, String path, String... headers) throws IOException {
    return Answer.of(
        OUTSIDE,
        Caller.request(
                "http://127.0.0.1:" + shop.getEnvironment().getProperty(port) + path, headers)
            .build());
  }

  @Test
  void thePeerOfTheConnectionIsTheAuthenticationWithTheApplicationsAuthorities() throws Exception {
    assertThat(billing.get("/who").body())
        .startsWith("MeshAuthentication spiffe://")
        .contains("/svc/billing ")
        .contains("ROLE_MESH_PEER", "invoices");
    assertThat(billing.get("/invoices").code()).isEqualTo(200);
    assertThat(spy.get("/who").body()).contains("/svc/spy ").endsWith("[ROLE_MESH_PEER]");
    assertThat(spy.get("/invoices").code()).isEqualTo(403);
    assertThat(billing.get("/users").code()).isEqualTo(403);
  }

  @Test
  void controllersTakeThePeerAsThePrincipal() throws Exception {
    assertThat(billing.get("/principal").body())
        .startsWith("spiffe://")
        .endsWith("/svc/billing billing true");
    assertThat(billing.get("/maybe").body()).endsWith("/svc/billing");
    assertThat(outside("local.server.port", "/maybe").body()).isEqualTo("none");
  }

  @Test
  void asynchronousAndFailedRequestsKeepIt() throws Exception {
    assertThat(billing.get("/async").body()).contains("/svc/billing ");
    Answer failed = billing.get("/error/thrown");
    assertThat(failed.code()).isEqualTo(500);
    assertThat(billing.get("/nowhere").code()).isEqualTo(404);
  }

  @Test
  void nobodyOutsideTheMeshBecomesAPeerByWhatARequestSays() throws Exception {
    String id = billing.get("/maybe").body();
    String[] forged = {
      "X-Forwarded-Client-Cert",
      "By=" + id + ";URI=" + id,
      "X-Client-Cert",
      "-----BEGIN CERTIFICATE-----",
      "SSL_CLIENT_CERT",
      "-----BEGIN CERTIFICATE-----",
      "X-Remote-User",
      id
    };
    assertThat(outside("local.server.port", "/who", forged).body()).isEqualTo("nobody");
    assertThat(outside("local.server.port", "/invoices", forged).code()).isEqualTo(401);
    assertThat(outside("local.management.port", "/actuator/info", forged).code()).isEqualTo(401);
  }

  @Test
  void aUserThatLogsInThroughAPeerIsTheUserAndHasNothingOfThePeers() throws Exception {
    String login = Credentials.basic("carol", "secret");
    assertThat(billing.get("/users", "Authorization", login).body())
        .contains(" carol ", "ROLE_USER")
        .doesNotContain("invoices", "ROLE_MESH_PEER");
    assertThat(billing.get("/invoices", "Authorization", login).code()).isEqualTo(403);
    assertThat(billing.get("/users", "Authorization", Credentials.basic("carol", "x")).code())
        .isEqualTo(401);
  }

  @Test
  void aStolenSessionCarriesNoPeerToAnotherConnection() throws Exception {
    for (String prefix : List.of("", "/old")) {
      Answer opened = billing.get(prefix + "/session");
      assertThat(opened.body()).isEqualTo("stored: null");
      assertThat(opened.session()).isNotEmpty();
      assertThat(billing.get(prefix + "/session", "Cookie", opened.session()).body())
          .isEqualTo("stored: null");
      assertThat(spy.get(prefix + "/who", "Cookie", opened.session()).body())
          .contains("/svc/spy ")
          .doesNotContain("billing", "invoices");
      assertThat(outside("local.server.port", prefix + "/who", "Cookie", opened.session()).body())
          .isEqualTo("nobody");
    }
    assertThat(spy.get("/invoices", "Cookie", billing.get("/session").session()).code())
        .isEqualTo(403);
  }

  @Test
  void whatAnApplicationStoresByHandIsReplacedByTheConnectionsOwnPeer() throws Exception {
    for (String prefix : List.of("", "/old")) {
      String planted = billing.get(prefix + "/plant").session();
      assertThat(planted).isNotEmpty();
      assertThat(spy.get(prefix + "/who", "Cookie", planted).body())
          .contains("/svc/spy ")
          .doesNotContain("billing", "invoices");
      assertThat(outside("local.server.port", prefix + "/who", "Cookie", planted).body())
          .isEqualTo("nobody");
    }
    String planted = billing.get("/plant").session();
    assertThat(outside("local.server.port", "/invoices", "Cookie", planted).code()).isEqualTo(401);
  }

  @Test
  void noPeerLeavesTheProcessInASerializedSession() throws Exception {
    billing.get("/who");
    MeshAuthentication seen = Objects.requireNonNull(shop.getBean(Controller.class).last);
    assertThatThrownBy(
            () -> {
              try (ObjectOutputStream out = new ObjectOutputStream(new ByteArrayOutputStream())) {
                out.writeObject(seen);
              }
            })
        .isInstanceOf(NotSerializableException.class)
        .hasMessageContaining("each connection");
    assertThat(seen.getCredentials()).isNull();
    assertThat(seen.toString()).doesNotContain("BEGIN");
  }

  @Test
  void aRequestWhoseAuthoritiesCannotBeToldFails(EmbeddedControlPlane plane) throws Exception {
    try (Caller broken = new Caller(plane, "broken")) {
      Awaitility.await("it is found")
          .atMost(GUARD)
          .ignoreExceptions()
          .untilAsserted(() -> assertThat(broken.get("/who").code()).isEqualTo(500));
    }
  }
}
