package io.meshnative.jdbc;

import java.io.IOException;
import java.net.Socket;
import java.time.Duration;

/**
 * For mssql-jdbc, by its properties {@code socketFactoryClass} and {@code
 * socketFactoryConstructorArg}:
 *
 * <pre>{@code
 * jdbc:sqlserver://localhost;databaseName=app;transparentNetworkIPResolution=false;encrypt=false
 *     ;socketFactoryClass=io.meshnative.jdbc.SqlServerSocketFactory
 *     ;socketFactoryConstructorArg=db?meshClient=orders
 * }</pre>
 *
 * <p>{@link MeshJdbcUrl#rewrite(String)} writes it. Cancels travel in the connection itself.
 * Thread-safe.
 */
public final class SqlServerSocketFactory extends DeferredSocketFactory {
  /**
   * The driver gives most connects a limit of its own, from {@code loginTimeout}, whose default is
   * this; where it gives none, or a longer one, this holds.
   */
  private static final Duration LONGEST = Duration.ofSeconds(30);

  private final String argument;

  /**
   * Takes the driver's argument.
   *
   * @param argument the service, then parameters of the mesh: {@code db?meshClient=orders}
   */
  public SqlServerSocketFactory(String argument) {
    this.argument = argument;
  }

  @Override
  public Socket createSocket() throws IOException {
    return DriverSockets.connection(
        DriverSockets.checked(argument, MeshTarget::parse), LONGEST, this);
  }
}
