/** How the embedded control plane is built. Not exported; may change without notice. */
@NullMarked
package io.meshnative.testkit.internal;

import org.jspecify.annotations.NullMarked;
