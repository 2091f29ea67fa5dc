package io.meshnative.okhttp;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import javax.net.ssl.HandshakeCompletedListener;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** Another socket, in everything. A test holds that nothing is left out. */
@SuppressWarnings("UnsynchronizedOverridesSynchronized") // The other one has its own locks.
abstract class ForwardingSslSocket extends SSLSocket {
  private final SSLSocket to;

  ForwardingSslSocket(SSLSocket to) {
    this.to = to;
  }

  @Override
  public void connect(SocketAddress endpoint) throws IOException {
    to.connect(endpoint);
  }

  @Override
  public void connect(SocketAddress endpoint, int timeout) throws IOException {
    to.connect(endpoint, timeout);
  }

  @Override
  public void bind(SocketAddress bindpoint) throws IOException {
    to.bind(bindpoint);
  }

  @Override
  public InetAddress getInetAddress() {
    return to.getInetAddress();
  }

  @Override
  public InetAddress getLocalAddress() {
    return to.getLocalAddress();
  }

  @Override
  public int getPort() {
    return to.getPort();
  }

  @Override
  public int getLocalPort() {
    return to.getLocalPort();
  }

  @Override
  public SocketAddress getRemoteSocketAddress() {
    return to.getRemoteSocketAddress();
  }

  @Override
  public SocketAddress getLocalSocketAddress() {
    return to.getLocalSocketAddress();
  }

  @Override
  public SocketChannel getChannel() {
    return to.getChannel();
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return to.getInputStream();
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return to.getOutputStream();
  }

  @Override
  public void setTcpNoDelay(boolean on) throws SocketException {
    to.setTcpNoDelay(on);
  }

  @Override
  public boolean getTcpNoDelay() throws SocketException {
    return to.getTcpNoDelay();
  }

  @Override
  public void setSoLinger(boolean on, int linger) throws SocketException {
    to.setSoLinger(on, linger);
  }

  @Override
  public int getSoLinger() throws SocketException {
    return to.getSoLinger();
  }

  @Override
  public void sendUrgentData(int data) throws IOException {
    to.sendUrgentData(data);
  }

  @Override
  public void setOOBInline(boolean on) throws SocketException {
    to.setOOBInline(on);
  }

  @Override
  public boolean getOOBInline() throws SocketException {
    return to.getOOBInline();
  }

  @Override
  public void setSoTimeout(int timeout) throws SocketException {
    to.setSoTimeout(timeout);
  }

  @Override
  public int getSoTimeout() throws SocketException {
    return to.getSoTimeout();
  }

  @Override
  public void setSendBufferSize(int size) throws SocketException {
    to.setSendBufferSize(size);
  }

  @Override
  public int getSendBufferSize() throws SocketException {
    return to.getSendBufferSize();
  }

  @Override
  public void setReceiveBufferSize(int size) throws SocketException {
    to.setReceiveBufferSize(size);
  }

  @Override
  public int getReceiveBufferSize() throws SocketException {
    return to.getReceiveBufferSize();
  }

  @Override
  public void setKeepAlive(boolean on) throws SocketException {
    to.setKeepAlive(on);
  }

  @Override
  public boolean getKeepAlive() throws SocketException {
    return to.getKeepAlive();
  }

  @Override
  public void setTrafficClass(int tc) throws SocketException {
    to.setTrafficClass(tc);
  }

  @Override
  public int getTrafficClass() throws SocketException {
    return to.getTrafficClass();
  }

  @Override
  public void setReuseAddress(boolean on) throws SocketException {
    to.setReuseAddress(on);
  }

  @Override
  public boolean getReuseAddress() throws SocketException {
    return to.getReuseAddress();
  }

  @Override
  public void close() throws IOException {
    to.close();
  }

  @Override
  public void shutdownInput() throws IOException {
    to.shutdownInput();
  }

  @Override
  public void shutdownOutput() throws IOException {
    to.shutdownOutput();
  }

  @Override
  public boolean isConnected() {
    return to.isConnected();
  }

  @Override
  public boolean isBound() {
    return to.isBound();
  }

  @Override
  public boolean isClosed() {
    return to.isClosed();
  }

  @Override
  public boolean isInputShutdown() {
    return to.isInputShutdown();
  }

  @Override
  public boolean isOutputShutdown() {
    return to.isOutputShutdown();
  }

  @Override
  public void setPerformancePreferences(int connectionTime, int latency, int bandwidth) {
    to.setPerformancePreferences(connectionTime, latency, bandwidth);
  }

  @Override
  public <T> Socket setOption(SocketOption<T> name, T value) throws IOException {
    to.setOption(name, value);
    return this;
  }

  @Override
  public <T> T getOption(SocketOption<T> name) throws IOException {
    return to.getOption(name);
  }

  @Override
  public Set<SocketOption<?>> supportedOptions() {
    return to.supportedOptions();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return to.getSupportedCipherSuites();
  }

  @Override
  public String[] getEnabledCipherSuites() {
    return to.getEnabledCipherSuites();
  }

  @Override
  public void setEnabledCipherSuites(String[] suites) {
    to.setEnabledCipherSuites(suites);
  }

  @Override
  public String[] getSupportedProtocols() {
    return to.getSupportedProtocols();
  }

  @Override
  public String[] getEnabledProtocols() {
    return to.getEnabledProtocols();
  }

  @Override
  public void setEnabledProtocols(String[] protocols) {
    to.setEnabledProtocols(protocols);
  }

  @Override
  public SSLSession getSession() {
    return to.getSession();
  }

  @Override
  public @Nullable SSLSession getHandshakeSession() {
    return to.getHandshakeSession();
  }

  @Override
  public void addHandshakeCompletedListener(HandshakeCompletedListener listener) {
    to.addHandshakeCompletedListener(listener);
  }

  @Override
  public void removeHandshakeCompletedListener(HandshakeCompletedListener listener) {
    to.removeHandshakeCompletedListener(listener);
  }

  @Override
  public void startHandshake() throws IOException {
    to.startHandshake();
  }

  @Override
  public void setUseClientMode(boolean mode) {
    to.setUseClientMode(mode);
  }

  @Override
  public boolean getUseClientMode() {
    return to.getUseClientMode();
  }

  @Override
  public void setNeedClientAuth(boolean need) {
    to.setNeedClientAuth(need);
  }

  @Override
  public boolean getNeedClientAuth() {
    return to.getNeedClientAuth();
  }

  @Override
  public void setWantClientAuth(boolean want) {
    to.setWantClientAuth(want);
  }

  @Override
  public boolean getWantClientAuth() {
    return to.getWantClientAuth();
  }

  @Override
  public void setEnableSessionCreation(boolean flag) {
    to.setEnableSessionCreation(flag);
  }

  @Override
  public boolean getEnableSessionCreation() {
    return to.getEnableSessionCreation();
  }

  @Override
  public SSLParameters getSSLParameters() {
    return to.getSSLParameters();
  }

  @Override
  public void setSSLParameters(SSLParameters parameters) {
    to.setSSLParameters(parameters);
  }

  @Override
  public @Nullable String getApplicationProtocol() {
    return to.getApplicationProtocol();
  }

  @Override
  public @Nullable String getHandshakeApplicationProtocol() {
    return to.getHandshakeApplicationProtocol();
  }

  @Override
  public void setHandshakeApplicationProtocolSelector(
      @Nullable BiFunction<SSLSocket, List<String>, String> selector) {
    to.setHandshakeApplicationProtocolSelector(selector);
  }

  @Override
  public @Nullable BiFunction<SSLSocket, List<String>, String>
      getHandshakeApplicationProtocolSelector() {
    return to.getHandshakeApplicationProtocolSelector();
  }

  @Override
  public String toString() {
    return to.toString();
  }
}
