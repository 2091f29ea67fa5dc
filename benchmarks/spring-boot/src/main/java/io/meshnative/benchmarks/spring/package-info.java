/** What the starter costs an application of Spring Boot when it starts. */
@NullMarked
package io.meshnative.benchmarks.spring;

import org.jspecify.annotations.NullMarked;
