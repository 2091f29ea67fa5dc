package io.meshnative.reactor.netty;

import io.netty.channel.ChannelDuplexHandler;

/** Judges the requests of one connection, directly behind its codec. */
abstract class Judgement extends ChannelDuplexHandler {
  /** Begins as Reactor Netty's own: handlers that others add come behind those. */
  static final String NAME = "reactor.left.meshJudgement";

  /** Whether a request was let in that asked for another protocol. */
  boolean isUpgrading() {
    return false;
  }
}
