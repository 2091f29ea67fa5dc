package io.meshnative.internal.transport;

import java.nio.ByteBuffer;

/**
 * A {@link ByteBuffer} over the caller's array, used again while the caller uses the same array, so
 * that steady I/O allocates nothing. Large arrays are not kept: an idle connection must not hold on
 * to a blob.
 */
@SuppressWarnings({
  "ByteBufferBackingArray",
  "ReferenceEquality"
}) // Made by wrap(); the same array is meant.
final class ArrayView {
  private static final int KEPT = 64 * 1024;
  private static final ByteBuffer NONE = ByteBuffer.allocate(0);
  private ByteBuffer kept = NONE;

  ByteBuffer over(byte[] array, int offset, int length) {
    if (kept.array() != array) {
      ByteBuffer made = ByteBuffer.wrap(array);
      kept = array.length <= KEPT ? made : NONE;
      return made.position(offset).limit(offset + length);
    }
    return kept.limit(offset + length).position(offset);
  }

  void release() {
    kept = NONE;
  }
}
