package io.meshnative.grpc;

import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.Status;
import java.net.URI;

/**
 * Finds the endpoints of targets such as {@code mesh:///orders}. Found by gRPC's {@code
 * ServiceLoader}; only channels of {@link MeshChannelBuilder} get addresses from it, since any
 * other would connect to them in plaintext or with a TLS that expects names.
 */
public final class MeshNameResolverProvider extends NameResolverProvider {
  /** Called by the {@code ServiceLoader}. */
  public MeshNameResolverProvider() {}

  @Override
  protected boolean isAvailable() {
    return true;
  }

  /**
   * Below that of DNS: the scheme of the highest is what targets without a scheme mean, and those
   * are not ours.
   */
  @Override
  protected int priority() {
    return 4;
  }

  @Override
  public String getDefaultScheme() {
    return MeshTarget.SCHEME;
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    if (!MeshTarget.SCHEME.equals(target.getScheme())) {
      throw new IllegalArgumentException(
          "expected a target of the scheme mesh, found " + target.getScheme());
    }
    MeshBinding binding = args.getArg(MeshBinding.KEY);
    return binding == null ? new Outside() : new MeshNameResolver(binding, args);
  }

  /** For channels that are not ours: no address, and a reason. */
  private static final class Outside extends NameResolver {
    @Override
    public String getServiceAuthority() {
      return "outside.invalid";
    }

    @Override
    public void start(Listener2 listener) {
      listener.onError(
          Status.UNAVAILABLE.withDescription(
              "expected a channel of MeshChannelBuilder for a target of the scheme mesh, found"
                  + " another one, which would not speak mesh TLS; no address is given to it"));
    }

    @Override
    public void shutdown() {}
  }
}
