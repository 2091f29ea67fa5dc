package io.meshnative.tests;

import com.google.re2j.Pattern;
import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.xds.internal.Matchers;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.Action;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AlwaysTrueMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AndMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AuthConfig;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AuthHeaderMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.AuthenticatedMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.InvertMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.OrMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.PathMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.PolicyMatcher;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import java.io.InputStream;
import java.lang.reflect.Proxy;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLSession;

/**
 * grpc-java's own engine for Envoy's role-based access policies, given {@link ConsulRbac}.
 *
 * <p>It knows no method but POST, since gRPC has no other; so conditions on the method are put to
 * it as conditions on a header that the call carries the method in.
 */
final class GrpcRbac {
  private static final String METHOD = "the-method";

  private final GrpcAuthorizationEngine engine;

  private GrpcRbac(GrpcAuthorizationEngine engine) {
    this.engine = engine;
  }

  static GrpcRbac of(ConsulRbac rbac) {
    List<PolicyMatcher> policies = rbac.policies().stream().map(GrpcRbac::policy).toList();
    boolean allows = rbac.action() == Intention.Action.ALLOW;
    return new GrpcRbac(
        new GrpcAuthorizationEngine(
            AuthConfig.create(policies, allows ? Action.ALLOW : Action.DENY)));
  }

  boolean allows(L7Cases.Request request, X509Certificate caller) {
    Metadata metadata = new Metadata();
    for (L7Cases.Line line : request.headers()) {
      metadata.put(key(line.name()), line.value());
    }
    metadata.put(key(METHOD), request.method());
    return engine.evaluate(metadata, new Call(request, caller)).decision() == Action.ALLOW;
  }

  /** Of a call that runs, as an interceptor asks it. */
  boolean allows(Metadata metadata, ServerCall<?, ?> call) {
    metadata.put(key(METHOD), "POST");
    return engine.evaluate(metadata, call).decision() == Action.ALLOW;
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  // ---- policies ----

  private static PolicyMatcher policy(ConsulRbac.Policy policy) {
    return PolicyMatcher.create(
        policy.name(),
        OrMatcher.create(policy.rules().stream().map(GrpcRbac::matcher).toList()),
        OrMatcher.create(policy.principals().stream().map(GrpcRbac::matcher).toList()));
  }

  private static GrpcAuthorizationEngine.Matcher matcher(ConsulRbac.Principal principal) {
    if (principal instanceof ConsulRbac.Principal.Uri uri) {
      return AuthenticatedMatcher.create(
          Matchers.StringMatcher.forSafeRegEx(Pattern.compile(uri.regex())));
    }
    if (principal instanceof ConsulRbac.Principal.Not not) {
      return InvertMatcher.create(matcher(not.principal()));
    }
    ConsulRbac.Principal.And and = (ConsulRbac.Principal.And) principal;
    return AndMatcher.create(and.principals().stream().map(GrpcRbac::matcher).toList());
  }

  private static GrpcAuthorizationEngine.Matcher matcher(ConsulRbac.Rule rule) {
    if (rule instanceof ConsulRbac.Rule.Anything) {
      return AlwaysTrueMatcher.INSTANCE;
    }
    if (rule instanceof ConsulRbac.Rule.Path path) {
      return PathMatcher.create(
          switch (path.kind()) {
            case EXACT -> Matchers.StringMatcher.forExact(path.value(), false);
            case PREFIX -> Matchers.StringMatcher.forPrefix(path.value(), false);
            case REGEX -> Matchers.StringMatcher.forSafeRegEx(Pattern.compile(path.value()));
          });
    }
    if (rule instanceof ConsulRbac.Rule.Header header) {
      return AuthHeaderMatcher.create(header(header.condition()));
    }
    if (rule instanceof ConsulRbac.Rule.Method method) {
      return AuthHeaderMatcher.create(
          Matchers.HeaderMatcher.forSafeRegEx(METHOD, Pattern.compile(method.regex()), false));
    }
    if (rule instanceof ConsulRbac.Rule.Not not) {
      return InvertMatcher.create(matcher(not.rule()));
    }
    ConsulRbac.Rule.And and = (ConsulRbac.Rule.And) rule;
    return AndMatcher.create(and.rules().stream().map(GrpcRbac::matcher).toList());
  }

  private static Matchers.HeaderMatcher header(Permission.HeaderCondition condition) {
    String name = condition.name().toLowerCase(Locale.ROOT);
    String text = condition.value();
    boolean ignoreCase = condition.ignoreCase();
    boolean invert = condition.invert();
    return switch (condition.kind()) {
      case PRESENT -> Matchers.HeaderMatcher.forPresent(name, true, invert);
      case REGEX -> Matchers.HeaderMatcher.forSafeRegEx(name, Pattern.compile(text), invert);
      case EXACT ->
          Matchers.HeaderMatcher.forString(
              name, Matchers.StringMatcher.forExact(text, ignoreCase), invert);
      case PREFIX ->
          Matchers.HeaderMatcher.forString(
              name, Matchers.StringMatcher.forPrefix(text, ignoreCase), invert);
      case SUFFIX ->
          Matchers.HeaderMatcher.forString(
              name, Matchers.StringMatcher.forSuffix(text, ignoreCase), invert);
      case CONTAINS ->
          Matchers.HeaderMatcher.forString(
              name, Matchers.StringMatcher.forContains(text, ignoreCase), invert);
    };
  }

  // ---- calls ----

  /** A call of which nothing but what the engine asks for is there. */
  private static final class Call extends ServerCall<byte[], byte[]> {
    private final MethodDescriptor<byte[], byte[]> method;
    private final Attributes attributes;
    private final String authority;

    Call(L7Cases.Request request, X509Certificate caller) {
      this.method =
          MethodDescriptor.<byte[], byte[]>newBuilder(NOTHING, NOTHING)
              .setType(MethodDescriptor.MethodType.UNKNOWN)
              .setFullMethodName(request.rawPath().substring(1)) // the engine adds the slash
              .build();
      this.attributes =
          Attributes.newBuilder().set(Grpc.TRANSPORT_ATTR_SSL_SESSION, session(caller)).build();
      this.authority = request.host();
    }

    @Override
    public MethodDescriptor<byte[], byte[]> getMethodDescriptor() {
      return method;
    }

    @Override
    public Attributes getAttributes() {
      return attributes;
    }

    @Override
    public String getAuthority() {
      return authority;
    }

    @Override
    public void request(int messages) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void sendHeaders(Metadata headers) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void sendMessage(byte[] message) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close(Status status, Metadata trailers) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isCancelled() {
      return false;
    }
  }

  private static final MethodDescriptor.Marshaller<byte[]> NOTHING =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          throw new UnsupportedOperationException();
        }

        @Override
        public byte[] parse(InputStream stream) {
          throw new UnsupportedOperationException();
        }
      };

  /** A session that has a peer's certificate and answers nothing else. */
  private static SSLSession session(X509Certificate peer) {
    return (SSLSession)
        Proxy.newProxyInstance(
            GrpcRbac.class.getClassLoader(),
            new Class<?>[] {SSLSession.class},
            (proxy, asked, arguments) -> {
              if (asked.getName().equals("getPeerCertificates")) {
                return new Certificate[] {peer};
              }
              throw new UnsupportedOperationException(asked.getName());
            });
  }
}
