package io.meshnative.tests;

import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.KeyType;
import java.io.IOException;

/** The embedded control plane. */
final class EmbeddedPlane implements Plane {
  private final EmbeddedControlPlane plane;

  EmbeddedPlane(EmbeddedControlPlane plane) {
    this.plane = plane;
  }

  static EmbeddedPlane start(boolean defaultAllow) {
    return new EmbeddedPlane(EmbeddedControlPlane.builder().defaultAllow(defaultAllow).start());
  }

  EmbeddedControlPlane plane() {
    return plane;
  }

  @Override
  public String httpAddr() {
    return plane.httpAddr();
  }

  @Override
  public Plane allow(String source, String destination) {
    plane.allow(source, destination);
    return this;
  }

  @Override
  public Plane deny(String source, String destination) {
    plane.deny(source, destination);
    return this;
  }

  @Override
  public Plane remove(String source, String destination) {
    plane.remove(source, destination);
    return this;
  }

  @Override
  public void removeAllIntentions() {
    plane.removeIntentions();
  }

  @Override
  public Plane register(String service, String id, String address, int port) {
    plane.register(service, id, address, port);
    return this;
  }

  @Override
  public Plane deregister(String id) {
    plane.deregister(id);
    return this;
  }

  @Override
  public Plane rotateRoot() {
    plane.rotateRoot();
    return this;
  }

  @Override
  public Plane rotateRoot(KeyType type) {
    plane.rotateRoot(type);
    return this;
  }

  @Override
  public String token() {
    return plane.token();
  }

  @Override
  public boolean authorize(String target, String clientUri) throws IOException {
    return api().authorize(target, clientUri);
  }

  @Override
  public String trustDomain() {
    return plane.trustDomain();
  }

  @Override
  public void close() {
    plane.close();
  }

  @Override
  public String toString() {
    return "embedded";
  }
}
