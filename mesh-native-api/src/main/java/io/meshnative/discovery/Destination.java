package io.meshnative.discovery;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A service to call. Equality is the cache key of everything kept per destination.
 *
 * <p>{@code Destination.parse("db")} names a service of the own datacenter, namespace and
 * partition; the builder names others. Names are DNS labels as Consul recommends them: lower-case
 * letters, digits and dashes, at most 63 characters, not starting or ending with a dash; dots and
 * underscores are accepted for services that were named before that rule.
 *
 * <p>Immutable and thread-safe.
 */
public final class Destination {
  private static final int MAX_NAME = 128;
  private static final String DEFAULT = "default";

  private final String service;
  private final String namespace;
  private final String partition;
  private final @Nullable String datacenter;

  private Destination(Builder builder) {
    this.service = checked("service", builder.service);
    this.namespace = checked("namespace", builder.namespace);
    this.partition = checked("partition", builder.partition);
    this.datacenter = builder.datacenter == null ? null : checked("datacenter", builder.datacenter);
  }

  /**
   * Names a service of the own datacenter.
   *
   * @param service the service's name
   * @return the destination
   * @throws IllegalArgumentException if it is not a service name; the message says why
   */
  public static Destination parse(String service) {
    return builder(service).build();
  }

  /**
   * Starts a long form.
   *
   * @param service the service's name
   * @return a builder
   */
  public static Builder builder(String service) {
    return new Builder(service);
  }

  private static String checked(String what, String name) {
    Objects.requireNonNull(name, what);
    if (name.isEmpty() || name.length() > MAX_NAME) {
      throw new IllegalArgumentException(
          "expected a "
              + what
              + " name of 1 to "
              + MAX_NAME
              + " characters, found "
              + name.length());
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      boolean letterOrDigit =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      boolean inner = i > 0 && i < name.length() - 1 && (c == '-' || c == '_' || c == '.');
      if (!letterOrDigit && !inner) {
        throw new IllegalArgumentException(
            "expected a "
                + what
                + " name of letters, digits and inner '-', '_' or '.', found a character "
                + String.format("U+%04X", (int) c)
                + " at position "
                + i
                + "; give the name alone, without scheme, port or path");
      }
    }
    return name;
  }

  /**
   * Returns the service's name.
   *
   * @return the name, never empty
   */
  public String service() {
    return service;
  }

  /**
   * Returns the namespace.
   *
   * @return the namespace, {@code default} unless set
   */
  public String namespace() {
    return namespace;
  }

  /**
   * Returns the admin partition.
   *
   * @return the partition, {@code default} unless set
   */
  public String partition() {
    return partition;
  }

  /**
   * Returns the datacenter.
   *
   * @return the datacenter, empty for the own one
   */
  public Optional<String> datacenter() {
    return Optional.ofNullable(datacenter);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Destination that
        && service.equals(that.service)
        && namespace.equals(that.namespace)
        && partition.equals(that.partition)
        && Objects.equals(datacenter, that.datacenter);
  }

  @Override
  public int hashCode() {
    return Objects.hash(service, namespace, partition, datacenter);
  }

  /** Returns the service's name, with namespace, partition and datacenter where they are set. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(service);
    if (!namespace.equals(DEFAULT)) {
      text.append(" ns=").append(namespace);
    }
    if (!partition.equals(DEFAULT)) {
      text.append(" ap=").append(partition);
    }
    if (datacenter != null) {
      text.append(" dc=").append(datacenter);
    }
    return text.toString();
  }

  /** Builds a destination. Not thread-safe. */
  public static final class Builder {
    private final String service;
    private String namespace = DEFAULT;
    private String partition = DEFAULT;
    private @Nullable String datacenter;

    private Builder(String service) {
      this.service = service;
    }

    /**
     * Sets the namespace (Consul Enterprise).
     *
     * @param namespace the namespace
     * @return this
     */
    public Builder namespace(String namespace) {
      this.namespace = namespace;
      return this;
    }

    /**
     * Sets the admin partition (Consul Enterprise).
     *
     * @param partition the partition
     * @return this
     */
    public Builder partition(String partition) {
      this.partition = partition;
      return this;
    }

    /**
     * Sets another datacenter than the own one.
     *
     * @param datacenter the datacenter
     * @return this
     */
    public Builder datacenter(String datacenter) {
      this.datacenter = datacenter;
      return this;
    }

    /**
     * Makes the destination.
     *
     * @return the destination
     * @throws IllegalArgumentException if a name is not one
     */
    public Destination build() {
      return new Destination(this);
    }
  }
}
