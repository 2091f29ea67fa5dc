package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.HandlerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.MeshClient;
import io.meshnative.grpc.MeshServerBuilder;
import io.meshnative.intention.Decision;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Random calls to two servers: ours, with random intentions, and one of gRPC's own whose
 * interceptor asks grpc-java's engine for role-based access policies, as its xds servers do, with
 * the policies that Consul makes of the same intentions. The same calls are served.
 *
 * <p>What the two tell apart on purpose ({@link L7Difference}) is taken out of the calls first; the
 * decisions alone, with it, are compared in {@link L7DifferentialTest}.
 */
@Timeout(600)
@ExtendWith(Quiet.class)
class GrpcCallsDifferentialTest {
  private static final long SEED = 20_261_121;
  private static final int POLICIES = 40;
  private static final int CALLS = 8;

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane plane = FakeControlPlane.allowingAll(authority, L7Cases.SERVICE);
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final AtomicReference<GrpcRbac> rbac = new AtomicReference<>();
  private final Map<String, ManagedChannel> channels = new HashMap<>();
  private final Map<String, IssuedCertificate> callers = new HashMap<>();

  @AfterEach
  void stop() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private void keep(Server server) {
    open.push(() -> {
      server.shutdownNow();
      assertThat(server.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
  }

  /** Whatever is called is there, and answers. */
  private static final HandlerRegistry EVERYTHING =
      new HandlerRegistry() {
        @Override
        public ServerMethodDefinition<?, ?> lookupMethod(String name, String unused) {
          return ServerMethodDefinition.create(
              GrpcLetters.method(name, MethodType.UNARY),
              ServerCalls.asyncUnaryCall((String word, StreamObserver<String> answer) -> {
                answer.onNext(word);
                answer.onCompleted();
              }));
        }
      };

  private MeshClient mesh() throws Exception {
    MeshClient mesh = MeshClient.builder(L7Cases.SERVICE).controlPlane(plane).build();
    open.push(mesh);
    mesh.awaitReady(Cast.GUARD);
    return mesh;
  }

  private Server ours(MeshClient mesh) throws Exception {
    Server server =
        MeshServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0), mesh)
            .fallbackHandlerRegistry(EVERYTHING)
            .build()
            .start();
    keep(server);
    return server;
  }

  private Server theirs() throws Exception {
    IssuedCertificate own = authority.issue(LeafSpec.service(L7Cases.SERVICE));
    SslContext tls =
        GrpcSslContexts.configure(
                SslContextBuilder.forServer(
                    own.privateKey(), own.chain().toArray(new X509Certificate[0])))
            .trustManager(InsecureTrustManagerFactory.INSTANCE)
            .clientAuth(ClientAuth.REQUIRE)
            .build();
    Server server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .sslContext(tls)
            .fallbackHandlerRegistry(EVERYTHING)
            .intercept(
                new ServerInterceptor() {
                  @Override
                  public <Q, S> ServerCall.Listener<Q> interceptCall(
                      ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
                    if (rbac.get().allows(headers, call)) {
                      return next.startCall(call, headers);
                    }
                    call.close(Status.PERMISSION_DENIED, new Metadata());
                    return new ServerCall.Listener<>() {};
                  }
                })
            .build()
            .start();
    keep(server);
    return server;
  }

  private ManagedChannel channel(Server server, L7Cases.Request request) {
    return channels.computeIfAbsent(
        server.getPort() + request.caller() + "@" + request.host(),
        key -> {
          ManagedChannel channel = newChannel(server.getPort(), request);
          open.push(() -> {
            channel.shutdownNow();
            assertThat(channel.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
          });
          return channel;
        });
  }

  private ManagedChannel newChannel(int port, L7Cases.Request request) {
    IssuedCertificate caller =
        callers.computeIfAbsent(request.caller(), name -> authority.issue(LeafSpec.service(name)));
    try {
      SslContext tls =
          GrpcSslContexts.forClient()
              .trustManager(InsecureTrustManagerFactory.INSTANCE)
              .keyManager(caller.privateKey(), caller.chain().toArray(new X509Certificate[0]))
              .build();
      return NettyChannelBuilder.forAddress("127.0.0.1", port)
          .overrideAuthority(request.host())
          .sslContext(tls)
          .build();
    } catch (javax.net.ssl.SSLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether a call is served; tried again where a connection has just been cut. */
  private boolean served(Server server, L7Cases.Request request) {
    ManagedChannel channel = channel(server, request);
    Metadata metadata = new Metadata();
    request
        .headers()
        .forEach(line ->
            metadata.put(
                Metadata.Key.of(line.name(), Metadata.ASCII_STRING_MARSHALLER), line.value()));
    MethodDescriptor<String, String> method =
        GrpcLetters.method(request.target().substring(1), MethodType.UNARY);
    AtomicReference<Status> end = new AtomicReference<>();
    Cast.await(
        "an answer to " + request,
        () -> {
          channel.resetConnectBackoff();
          try {
            String unused =
                ClientCalls.blockingUnaryCall(
                    io.grpc.ClientInterceptors.intercept(
                        channel, MetadataUtils.newAttachHeadersInterceptor(metadata)),
                    method,
                    CallOptions.DEFAULT.withDeadlineAfter(Cast.GUARD.toSeconds(), TimeUnit.SECONDS),
                    "a word");
            end.set(Status.OK);
          } catch (StatusRuntimeException e) {
            end.set(e.getStatus());
          }
          return end.get().getCode() != Status.Code.UNAVAILABLE;
        });
    assertThat(end.get().getCode())
        .as("%s: %s", request, end.get())
        .isIn(Status.Code.OK, Status.Code.PERMISSION_DENIED, Status.Code.INTERNAL);
    return end.get().isOk();
  }

  private static L7Cases.Triple asCall(L7Cases.Triple triple) {
    L7Cases.Triple plain = L7Difference.without(EnumSet.allOf(L7Difference.class), triple);
    L7Cases.Request asked = plain.request();
    return new L7Cases.Triple(
        plain.policy(),
        new L7Cases.Request(
            asked.caller(), "POST", asked.rawPath(), asked.host(), asked.headers()));
  }

  @Test
  @Tag("T44")
  void theSameCallsAreServed() throws Exception {
    MeshClient mesh = mesh();
    Server ours = ours(mesh);
    Server theirs = theirs();
    List<String> differences = new ArrayList<>();
    int served = 0;
    int denied = 0;
    for (L7Cases.Policy drawn : L7Cases.draw(SEED, POLICIES, CALLS)) {
      for (L7Cases.Triple triple :
          drawn.triples().map(GrpcCallsDifferentialTest::asCall).toList()) {
        if (L7Oracles.decide(L7Oracles.table(triple.policy()), triple.request()).isEmpty()) {
          continue; // refused before the decision, whoever may call
        }
        L7Cases.Policy policy = triple.policy();
        rbac.set(GrpcRbac.of(ConsulRbac.of(policy.intentions(), policy.byDefault())));
        plane.intentions(new IntentionUpdate(policy.intentions(), List.of(), policy.byDefault()));
        boolean expected = served(theirs, triple.request());
        boolean found =
            mayConnect(mesh, triple.request().caller()) && served(ours, triple.request());
        served += found ? 1 : 0;
        denied += found ? 0 : 1;
        if (found != expected) {
          differences.add((found ? "only we serve " : "only they serve ") + triple);
        }
      }
    }
    assertThat(differences).as("seed %s", SEED).isEmpty();
    assertThat(served).isGreaterThan(POLICIES);
    assertThat(denied).isGreaterThan(POLICIES);
  }

  /** Whom an intention denies altogether does not come as far as a call. */
  private static boolean mayConnect(MeshClient mesh, String caller) {
    return !(mesh.explain(caller) instanceof Decision.Denied no)
        || no.cause() == Decision.Cause.NEEDS_REQUEST;
  }
}
