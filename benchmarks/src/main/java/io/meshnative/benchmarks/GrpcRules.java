package io.meshnative.benchmarks;

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
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.Matcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.OrMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.PathMatcher;
import io.grpc.xds.internal.rbac.engine.GrpcAuthorizationEngine.PolicyMatcher;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.InputStream;
import java.lang.reflect.Proxy;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLSession;

/**
 * grpc-java's own engine for role-based access policies, given the rules as a Consul server
 * translates them for a proxy: one policy with a principal for each intention; or one with a rule
 * for each permission, and each but the first without those before it.
 *
 * <p>The engine knows no method but POST, so the method is put to it as a header.
 */
final class GrpcRules {
  private static final Metadata.Key<String> METHOD = key("the-method");

  private final GrpcAuthorizationEngine engine;
  private final List<Metadata> metadata = new ArrayList<>();
  private final List<Call> calls = new ArrayList<>();

  GrpcRules(RuleSet set) {
    this.engine =
        new GrpcAuthorizationEngine(AuthConfig.create(List.of(policy(set)), Action.ALLOW));
    MeshTestAuthority authority = MeshTestAuthority.create();
    Map<String, X509Certificate> leaves = new HashMap<>();
    for (int question = 0; question < RuleSet.QUESTIONS; question++) {
      int rule = set.ruleOf(question);
      X509Certificate leaf =
          leaves.computeIfAbsent(
              set.callerOf(rule),
              caller -> authority.issue(LeafSpec.service(caller)).chain().get(0));
      calls.add(new Call(set.pathOf(rule), leaf));
      metadata.add(metadata());
    }
  }

  boolean allows(int question) {
    return engine.evaluate(metadata.get(question), calls.get(question)).decision() == Action.ALLOW;
  }

  private static Metadata metadata() {
    Metadata metadata = new Metadata();
    RuleSet.HEADERS.forEach((name, lines) -> lines.forEach(line -> metadata.put(key(name), line)));
    metadata.put(METHOD, "GET");
    return metadata;
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  private static PolicyMatcher policy(RuleSet set) {
    List<Matcher> principals = new ArrayList<>();
    List<Matcher> rules = new ArrayList<>();
    if (set.shape() == RuleSet.Shape.INTENTIONS) {
      rules.add(AlwaysTrueMatcher.INSTANCE);
      for (int i = 0; i < set.rules(); i++) {
        principals.add(principal(set.callerOf(i)));
      }
    } else {
      principals.add(principal(set.callerOf(0)));
      List<Matcher> before = new ArrayList<>();
      for (int i = 0; i < set.rules(); i++) {
        Matcher rule = rule(set.prefixOf(i));
        List<Matcher> parts = new ArrayList<>(List.of(rule));
        parts.addAll(before);
        rules.add(AndMatcher.create(parts));
        before.add(InvertMatcher.create(rule));
      }
    }
    return PolicyMatcher.create("rules", OrMatcher.create(rules), OrMatcher.create(principals));
  }

  private static Matcher principal(String caller) {
    return AuthenticatedMatcher.create(
        Matchers.StringMatcher.forSafeRegEx(
            Pattern.compile("^spiffe://[^/]+/ns/default/dc/[^/]+/svc/" + caller + "$")));
  }

  private static Matcher rule(String prefix) {
    return AndMatcher.create(
        PathMatcher.create(Matchers.StringMatcher.forPrefix(prefix, false)),
        AuthHeaderMatcher.create(
            Matchers.HeaderMatcher.forSafeRegEx(METHOD.name(), Pattern.compile("GET"), false)));
  }

  /** A call of which nothing but what the engine asks for is there. */
  private static final class Call extends ServerCall<byte[], byte[]> {
    private final MethodDescriptor<byte[], byte[]> method;
    private final Attributes attributes;

    Call(String path, X509Certificate caller) {
      this.method =
          MethodDescriptor.<byte[], byte[]>newBuilder(NOTHING, NOTHING)
              .setType(MethodDescriptor.MethodType.UNKNOWN)
              .setFullMethodName(path.substring(1)) // the engine adds the slash
              .build();
      this.attributes =
          Attributes.newBuilder().set(Grpc.TRANSPORT_ATTR_SSL_SESSION, session(caller)).build();
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
      return RuleSet.SERVICE;
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
    Certificate[] chain = {peer};
    return (SSLSession)
        Proxy.newProxyInstance(
            GrpcRules.class.getClassLoader(),
            new Class<?>[] {SSLSession.class},
            (proxy, asked, arguments) -> {
              if (asked.getName().equals("getPeerCertificates")) {
                return chain;
              }
              throw new UnsupportedOperationException(asked.getName());
            });
  }
}
