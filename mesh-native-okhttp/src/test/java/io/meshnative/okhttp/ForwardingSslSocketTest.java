package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;

class ForwardingSslSocketTest {
  /** What a newer JDK adds to sockets would act on the socket that nobody connects. */
  @Test
  void nothingThatASocketCanDoIsLeftOut() {
    List<String> left = new ArrayList<>();
    for (Method method : SSLSocket.class.getMethods()) {
      int modifiers = method.getModifiers();
      if (method.getDeclaringClass() == Object.class
          || Modifier.isStatic(modifiers)
          || Modifier.isFinal(modifiers)) {
        continue;
      }
      try {
        assertThat(
                ForwardingSslSocket.class.getDeclaredMethod(
                    method.getName(), method.getParameterTypes()))
            .isNotNull();
      } catch (NoSuchMethodException e) {
        left.add(method.toString());
      }
    }
    assertThat(left).isEmpty();
  }
}
