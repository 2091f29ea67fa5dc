@org.jspecify.annotations.NullMarked
package io.meshnative.internal.transport;
