/** What all samples do besides what they show: find a control plane, and write rules to it. */
@NullMarked
package io.meshnative.samples.operator;

import org.jspecify.annotations.NullMarked;
