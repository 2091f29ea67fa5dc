/** The API: a {@link io.meshnative.MeshClient} makes a service a member of the mesh. */
@org.jspecify.annotations.NullMarked
package io.meshnative;
