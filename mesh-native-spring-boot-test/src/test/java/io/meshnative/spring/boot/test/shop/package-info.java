/** An application of a user, and the tests that its author writes. */
@NullMarked
package io.meshnative.spring.boot.test.shop;

import org.jspecify.annotations.NullMarked;
