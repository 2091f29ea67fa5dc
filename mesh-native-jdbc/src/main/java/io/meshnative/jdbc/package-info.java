/**
 * Databases behind a Consul mesh: one property away from the JDBC drivers that applications use
 * already. {@link io.meshnative.jdbc.MeshJdbcUrl} is the way in, {@link
 * io.meshnative.jdbc.MeshHikari} keeps a pool in step with the mesh.
 */
@NullMarked
package io.meshnative.jdbc;

import org.jspecify.annotations.NullMarked;
