@org.jspecify.annotations.NullMarked
package io.meshnative.consul;
