/**
 * What the library costs: decisions in the process, and connections against the same TLS provider
 * used by hand, side by side in one run.
 */
package io.meshnative.benchmarks;
