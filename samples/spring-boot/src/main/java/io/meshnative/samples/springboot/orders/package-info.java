/**
 * The application that knows the orders: from its database, for those whom an intention lets ask.
 */
@NullMarked
package io.meshnative.samples.springboot.orders;

import org.jspecify.annotations.NullMarked;
