package io.meshnative.internal.tls;

import io.meshnative.MeshObserver;
import io.meshnative.MeshObserver.DialObserver;
import io.meshnative.MeshObserver.HandshakeObserver;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.identity.SpiffeId;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Those who watch dials and handshakes. Where nobody does, asking for them allocates nothing; what
 * they throw goes no further than the log; and each hears of one end only.
 */
public final class Observers {
  private static final Logger LOG = System.getLogger("io.meshnative");

  private final List<MeshObserver> all = new CopyOnWriteArrayList<>();

  public Subscription add(MeshObserver observer) {
    all.add(observer);
    return () -> all.remove(observer);
  }

  /** Null where nobody watches. */
  public @Nullable DialObserver dial(Destination destination) {
    if (all.isEmpty()) {
      return null;
    }
    List<DialObserver> each = ask(observer -> observer.onDial(destination));
    return each.isEmpty() ? null : new Dial(each);
  }

  /** Null where nobody watches. */
  public @Nullable DialObserver adapterDial(Destination destination) {
    if (all.isEmpty()) {
      return null;
    }
    List<DialObserver> each = ask(observer -> observer.onAdapterDial(destination));
    return each.isEmpty() ? null : new Dial(each);
  }

  /** Null where nobody watches. */
  @Nullable HandshakeObserver handshake(Supplier<MeshObserver.Handshake> handshake) {
    if (all.isEmpty()) {
      return null;
    }
    MeshObserver.Handshake begun = handshake.get();
    List<HandshakeObserver> each = ask(observer -> observer.onHandshake(begun));
    return each.isEmpty() ? null : new Shake(each);
  }

  /** Whether a handshake that begins now is watched. */
  boolean isEmpty() {
    return all.isEmpty();
  }

  private <T> List<T> ask(Function<MeshObserver, @Nullable T> question) {
    List<T> answers = new ArrayList<>(all.size());
    for (MeshObserver observer : all) {
      try {
        T answer = question.apply(observer);
        if (answer != null) {
          answers.add(answer);
        }
      } catch (RuntimeException | Error e) {
        failed(e);
      }
    }
    return answers;
  }

  private static <T> void tell(List<T> each, Consumer<T> news) {
    for (T one : each) {
      try {
        news.accept(one);
      } catch (RuntimeException | Error e) {
        failed(e); // an error too: a dial must not end for a meter
      }
    }
  }

  private static void failed(Throwable failure) {
    LOG.log(Level.WARNING, "a mesh observer failed; the connection goes on", failure);
  }

  private static final class Dial implements DialObserver {
    private final List<DialObserver> each;
    private final AtomicBoolean ended = new AtomicBoolean();

    Dial(List<DialObserver> each) {
      this.each = each;
    }

    @Override
    public void tries(Endpoint endpoint) {
      tell(each, one -> one.tries(endpoint));
    }

    @Override
    public void connected() {
      end(DialObserver::connected);
    }

    @Override
    public void failed(Throwable failure) {
      end(one -> one.failed(failure));
    }

    @Override
    public void givenUp() {
      end(DialObserver::givenUp);
    }

    private void end(Consumer<DialObserver> news) {
      if (ended.compareAndSet(false, true)) {
        tell(each, news);
      }
    }
  }

  private static final class Shake implements HandshakeObserver {
    private final List<HandshakeObserver> each;
    private final AtomicBoolean ended = new AtomicBoolean();

    Shake(List<HandshakeObserver> each) {
      this.each = each;
    }

    @Override
    public void completed(MeshObserver.Agreement done) {
      end(one -> one.completed(done));
    }

    @Override
    public void ended(MeshObserver.Outcome outcome, Optional<SpiffeId> peer, String reason) {
      end(one -> one.ended(outcome, peer, reason));
    }

    private void end(Consumer<HandshakeObserver> news) {
      if (ended.compareAndSet(false, true)) {
        tell(each, news);
      }
    }
  }
}
