package io.meshnative;

/**
 * How the API finds its implementation, through {@link java.util.ServiceLoader}. Not for
 * applications: use {@link MeshClient#builder(String)}.
 */
public interface MeshClientProvider {
  /**
   * Starts a builder.
   *
   * @param service the service's name
   * @return the builder
   */
  MeshClient.Builder builder(String service);
}
