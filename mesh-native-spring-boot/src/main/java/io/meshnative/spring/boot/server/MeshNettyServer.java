package io.meshnative.spring.boot.server;

import io.meshnative.MeshClient;
import io.meshnative.reactor.netty.MeshReactorServer;
import io.meshnative.spring.boot.MeshProperties;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.reactor.netty.NettyRouteProvider;
import org.springframework.boot.web.server.Http2;
import org.springframework.boot.web.server.Shutdown;
import org.springframework.boot.web.server.WebServer;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.http.client.ReactorResourceFactory;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import reactor.netty.DisposableServer;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRoutes;

/**
 * Has Reactor Netty serve the mesh, with the settings of {@code server.netty.*}. Instead of the
 * main connector it is that server itself. Beside it it is another server of the same settings and
 * the same handler: Reactor Netty's listen at one place each.
 */
final class MeshNettyServer extends MeshServer<NettyReactiveWebServerFactory>
    implements SmartLifecycle {
  /** As Spring's own, which has no constant for it. */
  private static final Duration DEFAULT_PATIENCE = Duration.ofSeconds(30);

  private final ObjectProvider<HttpHandler> handlers;
  private final ObjectProvider<NettyRouteProvider> routes;
  private final ObjectProvider<ReactorResourceFactory> resources;
  private final ApplicationContext context;
  private final Duration patience;
  private volatile boolean graceful;
  private volatile @Nullable HttpServer beside;
  private volatile @Nullable DisposableServer running;

  MeshNettyServer(
      MeshClient mesh,
      MeshProperties.Server properties,
      ObjectProvider<HttpHandler> handlers,
      ObjectProvider<NettyRouteProvider> routes,
      ObjectProvider<ReactorResourceFactory> resources,
      ApplicationContext context) {
    super(mesh, properties);
    this.handlers = handlers;
    this.routes = routes;
    this.resources = resources;
    this.context = context;
    this.patience =
        context.getEnvironment().getProperty(
            "spring.lifecycle.timeout-per-shutdown-phase", Duration.class, DEFAULT_PATIENCE);
  }

  @Override
  public int port() {
    if (!isPrimary()) {
      DisposableServer bound = running;
      return bound == null ? 0 : bound.port();
    }
    WebServer main =
        context instanceof WebServerApplicationContext web ? web.getWebServer() : null;
    return main == null ? 0 : main.getPort();
  }

  @Override
  void serve(NettyReactiveWebServerFactory factory) {
    graceful = factory.getShutdown() == Shutdown.GRACEFUL;
    // Called when a server is made, after the customizers that were added before.
    factory.addServerCustomizers(server -> {
      HttpServer meshed =
          new MeshReactorServer(mesh)
              .secure(server, protocols(factory.getHttp2()))
              .bindAddress(() -> listenAt(factory));
      if (isPrimary()) {
        return meshed;
      }
      beside = meshed;
      return server;
    });
  }

  private static HttpProtocol[] protocols(@Nullable Http2 http2) {
    return http2 != null && http2.isEnabled()
        ? new HttpProtocol[] {HttpProtocol.HTTP11, HttpProtocol.H2}
        : new HttpProtocol[] {HttpProtocol.HTTP11};
  }

  private SocketAddress listenAt(NettyReactiveWebServerFactory factory) {
    InetAddress address = address(factory);
    return address == null
        ? new InetSocketAddress(port(factory))
        : new InetSocketAddress(address, port(factory));
  }

  // ---- the server beside the main one ----

  /** Just before the main one, whose start is what registration waits for; stopped just after. */
  @Override
  public int getPhase() {
    return WebServerApplicationContext.START_STOP_LIFECYCLE_PHASE - 1;
  }

  @Override
  public void start() {
    HttpServer server = beside;
    if (server == null || running != null) {
      return;
    }
    ReactorHttpHandlerAdapter adapter = new ReactorHttpHandlerAdapter(handlers.getObject());
    HttpServer ready = server.route(all -> route(all, adapter));
    ReactorResourceFactory shared = resources.getIfAvailable();
    if (shared != null) {
      ready = ready.runOn(shared.getLoopResources());
    }
    if (graceful) {
      ready = ready.channelGroup(new DefaultChannelGroup(GlobalEventExecutor.INSTANCE));
    }
    running = ready.bindNow();
  }

  private void route(HttpServerRoutes all, ReactorHttpHandlerAdapter adapter) {
    HttpServerRoutes each = all;
    for (NettyRouteProvider provider : routes.orderedStream().toList()) {
      each = provider.apply(each);
    }
    each.route(request -> true, adapter);
  }

  @Override
  public void stop() {
    DisposableServer bound = running;
    running = null;
    if (bound == null) {
      return;
    }
    try {
      bound.disposeNow(patience);
    } catch (IllegalStateException e) {
      // What ran has not ended in time; the server is closed all the same.
    }
  }

  @Override
  public boolean isRunning() {
    return running != null;
  }
}
