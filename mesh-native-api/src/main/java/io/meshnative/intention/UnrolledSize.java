package io.meshnative.intention;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Estimates how large an expression becomes when its repetition counts are unrolled. The engine
 * writes {@code x} a hundred times for {@code x{100}} and bounds single counts only: three nested
 * ones would fill the heap before the compiler returns.
 *
 * <p>Not a parser: an expression that is none is measured somehow and then refused by the engine.
 */
final class UnrolledSize {
  /** A program of this size takes some ten megabytes and milliseconds. */
  static final long MAX = 200_000;

  private final String expression;
  private final Deque<Long> enclosing = new ArrayDeque<>();
  private long sum;
  private long last;

  private UnrolledSize(String expression) {
    this.expression = expression;
  }

  static long of(String expression) {
    return new UnrolledSize(expression).measure();
  }

  private long measure() {
    int i = 0;
    while (i < expression.length()) {
      char c = expression.charAt(i);
      switch (c) {
        case '(' -> {
          enclosing.push(sum + last);
          sum = 0;
          last = 0;
        }
        case ')' -> {
          long group = sum + last + 1;
          sum = enclosing.isEmpty() ? 0 : enclosing.pop();
          last = group;
        }
        case '{' -> last = Math.min(last * Math.max(1, count(i)), Integer.MAX_VALUE);
        default -> {
          sum = Math.min(sum + last, Integer.MAX_VALUE);
          last = 1;
        }
      }
      i = next(i, c);
    }
    while (!enclosing.isEmpty()) {
      sum += enclosing.pop();
    }
    return sum + last;
  }

  /** Steps over what belongs to one item: a class, an escape, the inside of braces. */
  private int next(int i, char c) {
    return switch (c) {
      case '\\' -> {
        boolean named = i + 2 < expression.length() && expression.charAt(i + 2) == '{';
        boolean takesName = named && "xpP".indexOf(expression.charAt(i + 1)) >= 0;
        yield takesName ? after('}', i + 2) : i + 2;
      }
      case '[' -> endOfClass(i);
      case '{' -> count(i) > 0 ? after('}', i) : i + 1;
      default -> i + 1;
    };
  }

  private int endOfClass(int open) {
    int i = open + 1;
    if (i < expression.length() && expression.charAt(i) == '^') {
      i++;
    }
    if (i < expression.length() && expression.charAt(i) == ']') {
      i++; // a bracket in the first place stands for itself
    }
    while (i < expression.length() && expression.charAt(i) != ']') {
      if (expression.charAt(i) == '\\') {
        i++;
      } else if (expression.startsWith("[:", i)) {
        int end = expression.indexOf(":]", i + 2);
        i = end < 0 ? i : end + 1;
      }
      i++;
    }
    return i + 1;
  }

  private int after(char wanted, int from) {
    int found = expression.indexOf(wanted, from);
    return found < 0 ? expression.length() : found + 1;
  }

  /**
   * Returns the larger number of {@code {n}}, {@code {n,}} or {@code {n,m}}; 0 if it is something
   * else.
   */
  private long count(int open) {
    long largest = 0;
    long number = 0;
    for (int i = open + 1; i < expression.length(); i++) {
      char c = expression.charAt(i);
      if (Ascii.isDigit(c)) {
        number = Math.min(number * 10 + (c - '0'), Integer.MAX_VALUE);
        continue;
      }
      largest = Math.max(largest, number);
      number = 0;
      if (c == '}') {
        return largest;
      }
      if (c != ',') {
        return 0;
      }
    }
    return 0;
  }
}
