package io.meshnative.spring.boot.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshPeer;
import io.meshnative.spring.boot.security.MeshPeerAuthorities;
import io.meshnative.spring.boot.tests.Caller.Answer;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.io.IOException;
import java.time.Duration;
import java.util.stream.Stream;
import okhttp3.Credentials;
import okhttp3.OkHttpClient;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.tomcat.autoconfigure.actuate.web.server.TomcatReactiveManagementContextAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.userdetails.MapReactiveUserDetailsService;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.web.server.SecurityWebFilterChain;
import org.springframework.security.web.server.context.WebSessionServerSecurityContextRepository;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** As {@link ServletSecurityTest}, on Reactor Netty, whose main connector is the mesh. */
@EmbeddedMesh
class ReactiveSecurityTest {
  private static final Duration GUARD = Duration.ofSeconds(60);
  private static final OkHttpClient OUTSIDE = new OkHttpClient();

  private static ConfigurableApplicationContext shop;
  private static Caller billing;
  private static Caller spy;

  @BeforeAll
  static void start(EmbeddedControlPlane plane) throws Exception {
    plane.defaultAllow(true);
    SpringApplication application = new SpringApplication(Shop.class);
    application.setWebApplicationType(WebApplicationType.REACTIVE);
    shop =
        application.run(
            Stream.of(
                    "mesh-native.service=shop",
                    "mesh-native.consul.address=" + plane.httpAddr(),
                    "mesh-native.server.mode=primary",
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
  @EnableAutoConfiguration(exclude = TomcatReactiveManagementContextAutoConfiguration.class)
  @Import(Controller.class)
  static class Shop {
    @Bean
    NettyReactiveWebServerFactory factory() {
      return new NettyReactiveWebServerFactory();
    }

    @Bean
    MeshPeerAuthorities authorities() {
      return peer ->
          peer.service().service().equals("billing")
              ? AuthorityUtils.createAuthorityList("ROLE_MESH_PEER", "invoices")
              : MeshPeerAuthorities.PEER;
    }

    @Bean
    MapReactiveUserDetailsService users() {
      return new MapReactiveUserDetailsService(
          User.withUsername("carol").password("{noop}secret").roles("USER").build());
    }

    @Bean
    SecurityWebFilterChain chain(ServerHttpSecurity http) {
      return http.authorizeExchange(exchanges ->
              exchanges
                  .pathMatchers("/who", "/plant", "/session")
                  .permitAll()
                  .pathMatchers("/invoices")
                  .hasAuthority("invoices")
                  .pathMatchers("/users")
                  .hasRole("USER")
                  .anyExchange()
                  .authenticated())
          .httpBasic(Customizer.withDefaults())
          .build();
    }
  }

  @RestController
  static class Controller {
    @GetMapping({"/who", "/invoices", "/users"})
    Mono<String> who(ServerWebExchange exchange) {
      return exchange
          .getPrincipal()
          .cast(Authentication.class)
          .map(held ->
              held.getClass().getSimpleName() + " " + held.getName() + " " + held.getAuthorities())
          .defaultIfEmpty("nobody");
    }

    @GetMapping("/principal")
    Mono<String> principal(
        @AuthenticationPrincipal MeshPeer peer,
        @AuthenticationPrincipal(expression = "service().service()") String service) {
      return Mono.just(peer.id() + " " + service);
    }

    @GetMapping("/session")
    Mono<String> session(ServerWebExchange exchange) {
      return exchange
          .getSession()
          .doOnNext(session -> session.getAttributes().put("opened", true))
          .map(session -> "stored: " + session.getAttribute(KEY));
    }

    /** What no application should do. */
    @GetMapping("/plant")
    Mono<String> plant(ServerWebExchange exchange) {
      return Mono.zip(exchange.getSession(), ReactiveSecurityContextHolder.getContext())
          .doOnNext(both -> both.getT1().getAttributes().put(KEY, both.getT2()))
          .map(both -> "planted " + (both.getT2() instanceof SecurityContext));
    }

    private static final String KEY =
        WebSessionServerSecurityContextRepository.DEFAULT_SPRING_SECURITY_CONTEXT_ATTR_NAME;
  }

  private static Answer management(String path, String... headers) throws IOException {
    String port = shop.getEnvironment().getProperty("local.management.port");
    return Answer.of(OUTSIDE, Caller.request("http://127.0.0.1:" + port + path, headers).build());
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
    assertThat(billing.get("/principal").body())
        .startsWith("spiffe://")
        .endsWith("/svc/billing billing");
  }

  @Test
  void nobodyOutsideTheMeshBecomesAPeerByWhatARequestSays() throws Exception {
    String id = billing.get("/principal").body().split(" ")[0];
    String[] forged = {"X-Forwarded-Client-Cert", "By=" + id + ";URI=" + id, "X-Remote-User", id};
    assertThat(management("/actuator/info", forged).code()).isEqualTo(401);
  }

  @Test
  void aUserThatLogsInThroughAPeerIsTheUserAndHasNothingOfThePeers() throws Exception {
    String login = Credentials.basic("carol", "secret");
    assertThat(billing.get("/users", "Authorization", login).body())
        .contains(" carol ", "ROLE_USER")
        .doesNotContain("invoices", "ROLE_MESH_PEER");
    assertThat(billing.get("/invoices", "Authorization", login).code()).isEqualTo(403);
  }

  @Test
  void aStolenSessionCarriesNoPeerToAnotherConnection() throws Exception {
    Answer opened = billing.get("/session");
    assertThat(opened.body()).isEqualTo("stored: null");
    assertThat(opened.session()).isNotEmpty();
    String planted = billing.get("/plant").session();
    assertThat(planted).isNotEmpty();
    for (String session : new String[] {opened.session(), planted}) {
      assertThat(spy.get("/who", "Cookie", session).body())
          .contains("/svc/spy ")
          .doesNotContain("billing", "invoices");
      assertThat(spy.get("/invoices", "Cookie", session).code()).isEqualTo(403);
    }
    assertThat(billing.get("/invoices", "Cookie", planted).code()).isEqualTo(200);
  }
}
