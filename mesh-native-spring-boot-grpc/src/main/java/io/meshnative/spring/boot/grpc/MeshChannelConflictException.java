package io.meshnative.spring.boot.grpc;

/** A channel is to go into the mesh and to have TLS settings of its own at the same time. */
public final class MeshChannelConflictException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  private final String channel;

  MeshChannelConflictException(String channel, String target) {
    super(
        "expected the channel \""
            + channel
            + "\" to go to the mesh service "
            + target
            + ", or to have TLS settings of its own, found both");
    this.channel = channel;
  }

  /**
   * Returns which channel.
   *
   * @return its name in {@code spring.grpc.client.channel}
   */
  public String channel() {
    return channel;
  }
}
