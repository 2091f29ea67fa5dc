package io.meshnative.spring.boot.actuate;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties {@code mesh-native.status-page.*}.
 *
 * @param enabled whether the actuator endpoint {@code mesh} has a page for people, at {@code
 *     /actuator/mesh/page}
 */
@ConfigurationProperties("mesh-native.status-page")
public record MeshStatusPageProperties(@DefaultValue("false") boolean enabled) {}
