package io.meshnative.servlet.tomcat;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.servlet.MeshPeers;
import io.meshnative.servlet.internal.AdmittedRequest;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.coyote.ActionCode;
import org.apache.coyote.InputBuffer;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.tomcat.util.net.ApplicationBufferHandler;
import org.jspecify.annotations.Nullable;

/**
 * A request that Tomcat's containers work at.
 *
 * <p>Invariant: Tomcat uses its request objects again. Whoever comes from another thread, as a
 * withdrawal does, touches them under the lock and only until the exchange is over.
 */
final class Exchange {
  private static final String ATTRIBUTE = "io.meshnative.servlet.exchange";

  private final AdmittedRequest admitted;
  private final Request request;
  private final Response response;
  private final @Nullable InputBuffer input;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean over;

  Exchange(AdmittedRequest admitted, Request request, Response response) {
    this.admitted = admitted;
    this.request = request;
    this.response = response;
    this.input = request.getInputBuffer();
  }

  static @Nullable Exchange of(Request request) {
    return request.getAttribute(ATTRIBUTE) instanceof Exchange exchange ? exchange : null;
  }

  void begin(Runnable cut) {
    request.setAttribute(ATTRIBUTE, this);
    request.setAttribute(AdmittedRequest.ATTRIBUTE, admitted);
    request.setAttribute(MeshPeers.ATTRIBUTE, admitted.peer());
    if (input != null) {
      request.setInputBuffer(new Guarded(input, admitted));
    }
    admitted.onWithdrawn(reason -> {
      cut.run();
      wake(reason);
    });
  }

  /** An asynchronous request of which no thread takes care ends by its listeners' onError. */
  private void wake(MeshAuthorizationException reason) {
    lock.lock();
    try {
      if (!over && is(ActionCode.ASYNC_IS_ASYNC)) {
        response.action(ActionCode.CLOSE_NOW, reason);
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean is(ActionCode state) {
    AtomicBoolean answer = new AtomicBoolean();
    request.action(state, answer);
    return answer.get();
  }

  /** Tomcat's thread has left the containers: the response has ended, unless it goes on later. */
  void dispatched() {
    lock.lock();
    try {
      if (over || is(ActionCode.ASYNC_IS_ASYNC)) {
        MeshAuthorizationException withdrawn = admitted.withdrawn();
        if (!over && withdrawn != null) {
          wake(withdrawn);
        }
        return;
      }
      over = true;
      if (input != null) {
        request.setInputBuffer(input);
      }
    } finally {
      lock.unlock();
    }
    if (response.getStatus() != 101) {
      admitted.end(); // else the connection goes on, and the lease with it
    }
  }

  /** What the caller sends can be read as long as its right lasts. */
  private record Guarded(InputBuffer input, AdmittedRequest admitted) implements InputBuffer {
    @Override
    public int doRead(ApplicationBufferHandler handler) throws IOException {
      admitted.requireRight();
      int read = input.doRead(handler);
      admitted.requireRight();
      return read;
    }

    @Override
    public int available() {
      return input.available();
    }
  }
}
