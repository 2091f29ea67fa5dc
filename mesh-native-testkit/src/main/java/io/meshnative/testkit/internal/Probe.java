package io.meshnative.testkit.internal;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import okhttp3.ConnectionPool;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.Buffer;
import okio.ByteString;

/** One look at a service from outside, as the agent's checks of type TCP, HTTP and gRPC do it. */
interface Probe {
  /** What a look found. */
  record Result(String status, String output) {
    static Result passing(String output) {
      return new Result("passing", output);
    }

    static Result critical(String output) {
      return new Result("critical", output);
    }
  }

  /** Looks. Blocks, no longer than the check's timeout allows. */
  Result look();

  /** Somebody listens. */
  record Tcp(String target, Duration timeout) implements Probe {
    @Override
    public Result look() {
      URI uri = URI.create("tcp://" + target);
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(uri.getHost(), uri.getPort()), millis(timeout));
        return Result.passing("TCP connect " + target + ": Success");
      } catch (IOException | IllegalArgumentException e) {
        String why = e instanceof ConnectException ? "connection refused" : e.getMessage();
        return Result.critical("dial tcp " + target + ": connect: " + why);
      }
    }
  }

  /**
   * A request is answered well: 2xx passes, 429 warns, all else is critical.
   *
   * @param headers each name with its values
   */
  record Http(
      OkHttpClient http, String url, String method, Map<String, List<String>> headers, String body)
      implements Probe {
    private static final int TOO_MANY_REQUESTS = 429;

    static Http of(
        String url,
        String method,
        Map<String, List<String>> headers,
        String body,
        boolean trustsAnyone,
        Duration timeout) {
      return new Http(client(timeout, trustsAnyone), url, method, headers, body);
    }

    @Override
    public Result look() {
      try {
        Request.Builder request =
            new Request.Builder()
                .url(url)
                .header("User-Agent", "Consul Health Check")
                .header("Accept", "text/plain, text/*, */*");
        headers.forEach((name, values) -> {
          request.removeHeader(name);
          values.forEach(value -> request.addHeader(name, value));
        });
        boolean bare = method.equals("GET") || method.equals("HEAD");
        request.method(method, bare ? null : RequestBody.create(body, null));
        try (Response response = http.newCall(request.build()).execute()) {
          String output =
              "HTTP %s %s: %d %s Output: %s"
                  .formatted(
                      method,
                      url,
                      response.code(),
                      response.message(),
                      response.peekBody(LONGEST_OUTPUT).string());
          if (response.isSuccessful()) {
            return Result.passing(output);
          }
          return response.code() == TOO_MANY_REQUESTS
              ? new Result("warning", output)
              : Result.critical(output);
        }
      } catch (IOException | IllegalArgumentException e) {
        String shown = method.charAt(0) + method.substring(1).toLowerCase(Locale.ROOT);
        return Result.critical(shown + " \"" + url + "\": " + e.getMessage());
      }
    }
  }

  /** The service says by gRPC's health protocol that it serves. */
  record Grpc(OkHttpClient http, boolean tls, String target) implements Probe {
    private static final MediaType GRPC = MediaType.get("application/grpc");

    /** The header of a message: not compressed, and its length in four bytes. */
    private static final int HEADER = 5;

    private static final long SERVING = 1;

    static Grpc of(String target, boolean tls, boolean trustsAnyone, Duration timeout) {
      OkHttpClient.Builder http = client(timeout, trustsAnyone).newBuilder();
      http.protocols(
          tls ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1) : List.of(Protocol.H2_PRIOR_KNOWLEDGE));
      return new Grpc(http.build(), tls, target);
    }

    @Override
    public Result look() {
      int slash = target.indexOf('/');
      String address = slash < 0 ? target : target.substring(0, slash);
      String service = slash < 0 ? "" : target.substring(slash + 1);
      try {
        Request request =
            new Request.Builder()
                .url((tls ? "https://" : "http://") + address + "/grpc.health.v1.Health/Check")
                .header("TE", "trailers")
                .post(RequestBody.create(question(service), GRPC))
                .build();
        try (Response response = http.newCall(request).execute()) {
          Buffer answer = new Buffer();
          answer.writeAll(response.body().source());
          String status = response.header("grpc-status", response.trailers().get("grpc-status"));
          String message = response.header("grpc-message", response.trailers().get("grpc-message"));
          if (!"0".equals(status)) {
            return Result.critical(
                "rpc error: code = %s desc = %s".formatted(status, message == null ? "" : message));
          }
          return status(answer) == SERVING
              ? Result.passing("gRPC check " + target + ": success")
              : Result.critical("gRPC application didn't report service healthy");
        }
      } catch (IOException | IllegalArgumentException e) {
        return Result.critical(
            "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while"
                + " dialing dial tcp "
                + address
                + ": "
                + e.getMessage()
                + "\"");
      }
    }

    /** {@code HealthCheckRequest}: the service's name is field 1. */
    private static ByteString question(String service) {
      Buffer message = new Buffer();
      if (!service.isEmpty()) {
        ByteString name = ByteString.encodeUtf8(service);
        message.writeByte(0x0a);
        int left = name.size();
        while (left > 0x7f) {
          message.writeByte(left & 0x7f | 0x80);
          left >>>= 7;
        }
        message.writeByte(left).write(name);
      }
      Buffer framed = new Buffer().writeByte(0).writeInt((int) message.size());
      framed.write(message, message.size());
      return framed.readByteString();
    }

    /** {@code HealthCheckResponse}: the status is field 1, a number; 0 if it is not there. */
    private static long status(Buffer answer) throws IOException {
      answer.require(HEADER);
      answer.skip(HEADER);
      boolean there = !answer.exhausted() && answer.readByte() == 0x08;
      return there && !answer.exhausted() ? answer.readByte() : 0;
    }
  }

  /** As much as the agent keeps of an output. */
  int LONGEST_OUTPUT = 4096;

  private static int millis(Duration timeout) {
    return (int) Math.min(Integer.MAX_VALUE, Math.max(1, timeout.toMillis()));
  }

  private static OkHttpClient client(Duration timeout, boolean trustsAnyone) {
    OkHttpClient.Builder http =
        new OkHttpClient.Builder()
            .callTimeout(Duration.ofMillis(millis(timeout)))
            .retryOnConnectionFailure(false)
            // Each look is a new connection: one that stays would hide that nobody accepts.
            .connectionPool(new ConnectionPool(0, 1, TimeUnit.SECONDS));
    if (trustsAnyone) {
      X509TrustManager anyone = new TrustAnyone();
      try {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {anyone}, new SecureRandom());
        http.sslSocketFactory(context.getSocketFactory(), anyone);
        http.hostnameVerifier((name, session) -> true);
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("this JDK has no TLS", e);
      }
    }
    return http.build();
  }

  /** {@code TLSSkipVerify}: whoever answers is taken for the service. */
  final class TrustAnyone implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
