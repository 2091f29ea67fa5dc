/** The application that people see: it asks the other one. */
@NullMarked
package io.meshnative.samples.springboot.web;

import org.jspecify.annotations.NullMarked;
