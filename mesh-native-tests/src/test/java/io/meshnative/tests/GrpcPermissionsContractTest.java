package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.MetadataUtils;
import io.meshnative.MeshClient;
import io.meshnative.grpc.MeshChannelBuilder;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Calls of gRPC under permissions of layer 7 by path, method and header, written as config entries,
 * which Consul knows since 1.9.
 */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({"EMBEDDED, true, JSSE", "EMBEDDED, false, CONSCRYPT", "CONSUL, false, CONSCRYPT"})
class GrpcPermissionsContractTest extends Contract {
  @BeforeEach
  void knowsPermissions() throws IOException {
    assumeThat(kind != PlaneKind.CONSUL || RealPeers.consulIsAtLeast(1, 9))
        .as("intentions have permissions")
        .isTrue();
  }

  /** Makes these the permissions of web, objects as in Consul's API with commas between. */
  private void permit(MeshClient db, String permissions, String path, boolean allowed)
      throws Exception {
    String unused =
        plane
            .api()
            .require(
                "PUT",
                "/v1/config",
                """
                {"Kind": "service-defaults", "Name": "db", "Protocol": "grpc"}
                """);
    unused =
        plane
            .api()
            .require(
                "PUT",
                "/v1/config",
                "{\"Kind\":\"service-intentions\",\"Name\":\"db\",\"Sources\":[{\"Name\":\"web\","
                    + "\"Permissions\":["
                    + permissions
                    + "]}]}");
    HttpRequestView call = call(path);
    Cast.await(
        "db goes by the permissions",
        () ->
            db.explain("web") instanceof Decision.Denied denied
                && denied.cause() == Decision.Cause.NEEDS_REQUEST
                && db.explain("web", call).isAllowed() == allowed);
  }

  private static HttpRequestView call(String path) throws MalformedRequestException {
    return HttpRequestView.of("POST", path, List.of("db.mesh"), Map.of());
  }

  private void forget() throws IOException {
    for (String entry : List.of("service-intentions/db", "service-defaults/db")) {
      String unused = plane.api().require("DELETE", "/v1/config/" + entry, "");
    }
  }

  private GrpcLetters letters(MeshClient db) throws Exception {
    GrpcLetters letters = cast.keep(GrpcLetters.of(db));
    plane.register("db", "db-1", "127.0.0.1", letters.port());
    cast.keep(() -> plane.deregister("db-1"));
    cast.keep(this::forget);
    return letters;
  }

  private ManagedChannel channel() throws Exception {
    // A caller without a policy of its own: it is the server that decides.
    MeshClient web = cast.lawless("web");
    Cast.awaitEndpoint(web, "db");
    ManagedChannel channel = MeshChannelBuilder.forService("db", web).build();
    cast.keep(() -> {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    return channel;
  }

  private static Channel with(Channel channel, String name, String value) {
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  private static Status.Code end(Channel channel, String method) {
    return GrpcLetters.end(channel, method).getCode();
  }

  @Test
  @Tag("T44")
  void pathMethodAndHeadersDecideOverEachCall() throws Exception {
    MeshClient db = cast.client("db");
    GrpcLetters letters = letters(db);
    permit(
        db,
        """
        {"Action": "allow", "HTTP": {"PathExact": "/test.Letters/Who", "Methods": ["POST"],
           "Header": [{"Name": "x-role", "Exact": "admin"}]}},
        {"Action": "deny", "HTTP": {"PathPrefix": "/test.Letters/", "Methods": ["POST"]}},
        {"Action": "allow", "HTTP": {"PathRegex": "/test\\\\.Other/.*"}},
        {"Action": "deny", "HTTP": {"PathPrefix": "/"}}
        """,
        "/test.Other/Nothing",
        true);
    ManagedChannel channel = channel();
    assertThat(end(with(channel, "x-role", "admin"), GrpcLetters.WHO)).isEqualTo(Status.Code.OK);
    assertThat(end(with(channel, "x-role", "user"), GrpcLetters.WHO))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(end(channel, GrpcLetters.WHO)).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(end(with(channel, "x-role", "admin"), GrpcLetters.TALK))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(end(channel, "test.Other/Nothing")).isEqualTo(Status.Code.UNIMPLEMENTED);
    assertThat(end(channel, "no.Such/Thing")).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(letters.entered).hasValue(1);
  }

  @Test
  @Tag("T25")
  void aStreamEndsWhenItsPathIsDeniedAndOtherCallsGoOn() throws Exception {
    MeshClient db = cast.client("db");
    GrpcLetters letters = letters(db);
    permit(
        db,
        """
        {"Action": "allow", "HTTP": {"PathPrefix": "/test.Letters/"}}
        """,
        "/" + GrpcLetters.TALK,
        true);
    ManagedChannel channel = channel();
    GrpcLetters.Talk talk = new GrpcLetters.Talk(channel, "a word");
    Cast.await("the stream runs", () -> talk.came.contains("a word"));
    permit(
        db,
        """
        {"Action": "deny", "HTTP": {"PathExact": "/test.Letters/Talk"}},
        {"Action": "allow", "HTTP": {"PathPrefix": "/test.Letters/"}}
        """,
        "/" + GrpcLetters.TALK,
        false);
    assertThat(talk.end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    Cast.await("its handler was told", () -> letters.cancelled.get() == 1);
    assertThat(end(channel, GrpcLetters.WHO)).isEqualTo(Status.Code.OK);
  }
}
