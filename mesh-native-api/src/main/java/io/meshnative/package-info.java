/** The API: a {@code MeshClient} makes a service a member of the mesh. */
@org.jspecify.annotations.NullMarked
package io.meshnative;
