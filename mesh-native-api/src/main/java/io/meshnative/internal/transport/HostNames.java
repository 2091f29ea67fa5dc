package io.meshnative.internal.transport;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Finds the addresses of host names within a budget. The JDK's resolver knows none and cannot be
 * interrupted, so it is asked on the executor; who has waited long enough goes away, and whoever
 * asks for the same name meanwhile waits for the same answer. A name server that hangs so holds one
 * thread a name, and never more than {@value #MOST_LOOKUPS}. Nothing is kept: the JDK's resolver
 * has a cache. Thread-safe.
 */
public final class HostNames implements AutoCloseable {
  private static final int MOST_LOOKUPS = 64;

  /** What needs no name server. Whoever writes an address in another way asks one for nothing. */
  private static final Pattern NUMERIC = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}|.*:.*");

  /** Asks name servers. */
  interface Lookup {
    /** Blocks as long as it likes. */
    InetAddress find(String name) throws UnknownHostException;
  }

  private final Executor executor;
  private final Lookup lookup;
  private final Map<String, CompletableFuture<InetAddress>> underway = new ConcurrentHashMap<>();
  private volatile boolean closed;

  /**
   * Makes it.
   *
   * @param executor on which the JDK's resolver blocks
   */
  public HostNames(Executor executor) {
    this(executor, InetAddress::getByName);
  }

  HostNames(Executor executor, Lookup lookup) {
    this.executor = executor;
    this.lookup = lookup;
  }

  /** Whoever waits is told that the client is closed. */
  @Override
  public void close() {
    closed = true;
    underway.values().forEach(HostNames::end);
  }

  private static void end(CompletableFuture<InetAddress> answer) {
    answer.completeExceptionally(new SocketException("the mesh client is closed"));
  }

  /**
   * Finds an address.
   *
   * @param address with a name or with an address, which is returned as it is
   * @param budget until when
   * @return the address, resolved
   * @throws UnknownHostException if the name has no address
   * @throws SocketTimeoutException if the budget has passed
   * @throws InterruptedIOException if the calling thread is interrupted, whose status stays set
   * @throws IOException if too many names are being looked up, or the client is closed
   */
  InetSocketAddress resolve(InetSocketAddress address, Deadline budget) throws IOException {
    if (!address.isUnresolved()) {
      return address;
    }
    String name = address.getHostString();
    InetAddress found =
        NUMERIC.matcher(name).matches() ? InetAddress.getByName(name) : await(name, budget);
    return new InetSocketAddress(found, address.getPort());
  }

  private InetAddress await(String name, Deadline budget) throws IOException {
    CompletableFuture<InetAddress> answer = ask(name);
    try {
      return answer.get(budget.remainingMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      SocketTimeoutException late =
          new SocketTimeoutException(
              "no address of the host name "
                  + name
                  + " within "
                  + budget.budgetMillis()
                  + " ms; look at the name servers of this host, or register the service with an IP"
                  + " address");
      late.initCause(e);
      throw late;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while looking up " + name);
    } catch (ExecutionException e) {
      throw failure(name, e.getCause());
    }
  }

  /** An exception of this thread's own: others may throw the same answer. */
  private static IOException failure(String name, @Nullable Throwable cause) {
    IOException failure =
        cause instanceof UnknownHostException
            ? new UnknownHostException(name)
            : cause instanceof SocketException
                ? new SocketException(cause.getMessage())
                : new IOException("looking up the host name " + name + " failed", cause);
    if (failure.getCause() == null) {
      failure.initCause(cause);
    }
    return failure;
  }

  private CompletableFuture<InetAddress> ask(String name) throws IOException {
    CompletableFuture<InetAddress> asked = new CompletableFuture<>();
    CompletableFuture<InetAddress> earlier = underway.putIfAbsent(name, asked);
    if (earlier != null) {
      return earlier;
    }
    try {
      if (underway.size() > MOST_LOOKUPS) {
        throw new IOException(
            "expected at most "
                + MOST_LOOKUPS
                + " host names to be looked up at a time, found more; the name servers of this host"
                + " do not answer, or register services with IP addresses");
      }
      executor.execute(() -> find(name, asked));
    } catch (RejectedExecutionException e) {
      IOException refused = new IOException("expected a running executor, found it shut down", e);
      forget(name, asked, refused);
      throw refused;
    } catch (IOException e) {
      forget(name, asked, e);
      throw e;
    }
    if (closed) {
      end(asked);
    }
    return asked;
  }

  private void forget(String name, CompletableFuture<InetAddress> asked, IOException why) {
    underway.remove(name, asked);
    asked.completeExceptionally(why);
  }

  private void find(String name, CompletableFuture<InetAddress> asked) {
    try {
      InetAddress found = lookup.find(name);
      underway.remove(name, asked);
      asked.complete(found);
    } catch (UnknownHostException | RuntimeException | Error e) {
      underway.remove(name, asked);
      asked.completeExceptionally(e);
    }
  }
}
