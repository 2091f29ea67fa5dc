package io.meshnative.tests;

import java.lang.ref.Reference;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

/** Every object of the library that can be reached from one of its objects, private or not. */
final class Reachable {
  private static final int MOST = 200_000;

  private Reachable() {}

  static List<Object> from(Object root) {
    List<Object> found = new ArrayList<>();
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Object> open = new ArrayDeque<>();
    open.add(root);
    while (!open.isEmpty() && seen.size() < MOST) {
      Object next = open.remove();
      if (!seen.add(next)) {
        continue;
      }
      contents(next, open);
      Class<?> type = next.getClass();
      if (type.getName().startsWith("io.meshnative.") && !isOfTests(type)) {
        found.add(next);
        fields(next, type, open);
      }
    }
    return found;
  }

  private static boolean isOfTests(Class<?> type) {
    return type.getName().startsWith("io.meshnative.test");
  }

  /** What lies in the JDK's containers. */
  private static void contents(Object holder, Deque<Object> open) {
    if (holder instanceof Collection<?> collection) {
      collection.forEach(each -> add(each, open));
    } else if (holder instanceof Map<?, ?> map) {
      map.forEach((key, value) -> {
        add(key, open);
        add(value, open);
      });
    } else if (holder instanceof Optional<?> optional) {
      optional.ifPresent(each -> add(each, open));
    } else if (holder instanceof AtomicReference<?> reference) {
      add(reference.get(), open);
    } else if (holder instanceof Reference<?> reference) {
      add(reference.get(), open);
    } else if (holder instanceof Object[] array) {
      for (int i = 0; i < Array.getLength(array); i++) {
        add(array[i], open);
      }
    }
  }

  private static void fields(Object holder, Class<?> type, Deque<Object> open) {
    for (Class<?> each = type;
        each != null && each.getName().startsWith("io.meshnative.");
        each = each.getSuperclass()) {
      for (Field field : each.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers()) && !field.getType().isPrimitive()) {
          try {
            field.setAccessible(true);
            add(field.get(holder), open);
          } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
          }
        }
      }
    }
  }

  private static void add(Object value, Deque<Object> open) {
    if (value != null) {
      open.add(value);
    }
  }
}
