/** Whole Spring Boot applications; what plays with them comes from the module of the same package. */
package io.meshnative.tests;
