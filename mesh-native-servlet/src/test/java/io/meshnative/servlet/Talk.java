package io.meshnative.servlet;

import jakarta.websocket.CloseReason;
import jakarta.websocket.OnClose;
import jakarta.websocket.OnError;
import jakarta.websocket.OnMessage;
import jakarta.websocket.Session;
import jakarta.websocket.server.ServerEndpoint;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A WebSocket that says everything twice, and notes how it ends. */
@ServerEndpoint("/talk")
public class Talk {
  /** One a conversation that has ended: containers make the endpoints themselves. */
  static final BlockingQueue<CloseReason> ENDED = new LinkedBlockingQueue<>();

  /** Answers. */
  @OnMessage
  public String heard(String text) {
    return text + " " + text;
  }

  /** The transport has ended; the close comes next. */
  @OnError
  public void failed(Session session, Throwable failure) {}

  /** Notes the end. */
  @OnClose
  public void closed(CloseReason reason) {
    ENDED.add(reason);
  }
}
