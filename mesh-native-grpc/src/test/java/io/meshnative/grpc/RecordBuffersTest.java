package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.PooledByteBufAllocator;
import io.grpc.netty.shaded.io.netty.buffer.UnpooledByteBufAllocator;
import io.grpc.netty.shaded.io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.Test;

class RecordBuffersTest {
  @Test
  void whatIsAskedForOnTheHeapIsOutsideOfItAndGoesBackToThePool() {
    PooledByteBufAllocator pool = new PooledByteBufAllocator(true, 1, 1, 8192, 3, 0, 0, false);
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.config().setAllocator(pool);
    RecordBuffers.use(channel);
    RecordBuffers.use(channel);
    for (ByteBuf buffer :
        new ByteBuf[] {
          channel.alloc().heapBuffer(),
          channel.alloc().heapBuffer(16_709),
          channel.alloc().heapBuffer(1, 2)
        }) {
      assertThat(buffer.isDirect()).isTrue();
      assertThat(buffer.alloc()).as("the pool that takes it back").isSameAs(pool);
      assertThat(buffer.release()).isTrue();
    }
    assertThat(pool.pinnedDirectMemory()).isZero();
    channel.finishAndReleaseAll();
  }

  @Test
  void withoutAPoolNothingIsChanged() {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.config().setAllocator(UnpooledByteBufAllocator.DEFAULT);
    RecordBuffers.use(channel);
    assertThat(channel.alloc()).isSameAs(UnpooledByteBufAllocator.DEFAULT);
    channel.finishAndReleaseAll();
  }

  @Test
  void theJdksEngineKeepsItsHeap() throws Exception {
    for (Town.Engine engine : Town.Engine.values()) {
      try (Town town = new Town(engine)) {
        assertThat(RecordBuffers.suit(town.client("web")))
            .isEqualTo(engine == Town.Engine.CONSCRYPT);
        town.serve(town.client("orders"), "o1");
        ManagedChannel channel = town.channel(town.client("shop"), "orders");
        assertThat(Town.say(channel, "x".repeat(100_000))).hasSize(100_004);
      }
    }
  }
}
