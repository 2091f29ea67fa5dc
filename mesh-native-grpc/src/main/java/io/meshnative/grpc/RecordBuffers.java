package io.meshnative.grpc;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.buffer.CompositeByteBuf;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.meshnative.MeshClient;
import io.meshnative.spi.TlsProvider;

/**
 * Buffers of TLS records outside of the heap.
 *
 * <p>Netty takes every engine that it does not know for the JDK's: it gathers what is to be sent in
 * buffers on the heap, and has records written to the heap. BoringSSL then copies both ways, and
 * the socket once more. Engines that Netty knows are spared that, and with this ours are.
 *
 * <p>Nothing else in the pipelines of gRPC's connections asks for a buffer on the heap.
 */
final class RecordBuffers implements ByteBufAllocator {
  private final ByteBufAllocator allocator;

  private RecordBuffers(ByteBufAllocator allocator) {
    this.allocator = allocator;
  }

  /**
   * Whether the TLS engine of a client writes to native memory; the JDK's is at home on the heap.
   */
  static boolean suit(MeshClient mesh) {
    return !mesh.snapshot().tlsProvider().equals(TlsProvider.jsse().name());
  }

  /** Has a connection use them, before its first record; not where native memory has no pool. */
  static void use(Channel channel) {
    ByteBufAllocator allocator = channel.config().getAllocator();
    if (allocator.isDirectBufferPooled() && !(allocator instanceof RecordBuffers)) {
      channel.config().setAllocator(new RecordBuffers(allocator));
    }
  }

  @Override
  public ByteBuf heapBuffer() {
    return allocator.directBuffer();
  }

  @Override
  public ByteBuf heapBuffer(int initial) {
    return allocator.directBuffer(initial);
  }

  @Override
  public ByteBuf heapBuffer(int initial, int max) {
    return allocator.directBuffer(initial, max);
  }

  @Override
  public ByteBuf buffer() {
    return allocator.buffer();
  }

  @Override
  public ByteBuf buffer(int initial) {
    return allocator.buffer(initial);
  }

  @Override
  public ByteBuf buffer(int initial, int max) {
    return allocator.buffer(initial, max);
  }

  @Override
  public ByteBuf ioBuffer() {
    return allocator.ioBuffer();
  }

  @Override
  public ByteBuf ioBuffer(int initial) {
    return allocator.ioBuffer(initial);
  }

  @Override
  public ByteBuf ioBuffer(int initial, int max) {
    return allocator.ioBuffer(initial, max);
  }

  @Override
  public ByteBuf directBuffer() {
    return allocator.directBuffer();
  }

  @Override
  public ByteBuf directBuffer(int initial) {
    return allocator.directBuffer(initial);
  }

  @Override
  public ByteBuf directBuffer(int initial, int max) {
    return allocator.directBuffer(initial, max);
  }

  @Override
  public CompositeByteBuf compositeBuffer() {
    return allocator.compositeBuffer();
  }

  @Override
  public CompositeByteBuf compositeBuffer(int max) {
    return allocator.compositeBuffer(max);
  }

  @Override
  public CompositeByteBuf compositeHeapBuffer() {
    return allocator.compositeHeapBuffer();
  }

  @Override
  public CompositeByteBuf compositeHeapBuffer(int max) {
    return allocator.compositeHeapBuffer(max);
  }

  @Override
  public CompositeByteBuf compositeDirectBuffer() {
    return allocator.compositeDirectBuffer();
  }

  @Override
  public CompositeByteBuf compositeDirectBuffer(int max) {
    return allocator.compositeDirectBuffer(max);
  }

  @Override
  public boolean isDirectBufferPooled() {
    return allocator.isDirectBufferPooled();
  }

  @Override
  public int calculateNewCapacity(int least, int most) {
    return allocator.calculateNewCapacity(least, most);
  }
}
