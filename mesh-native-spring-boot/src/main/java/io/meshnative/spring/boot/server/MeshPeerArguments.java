package io.meshnative.spring.boot.server;

import io.meshnative.MeshPeer;
import io.meshnative.servlet.MeshPeers;
import jakarta.servlet.ServletRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.core.MethodParameter;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.web.bind.ServletRequestBindingException;
import org.springframework.web.bind.support.WebDataBinderFactory;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;

/**
 * Gives controllers the peer as an argument of type {@link MeshPeer}. Where the request did not
 * come from the mesh, a nullable or {@code Optional} argument is empty, and any other is refused.
 */
final class MeshPeerArguments implements HandlerMethodArgumentResolver {
  /** Whose resolver is Spring Security's: with a user of its own, the peer is not the principal. */
  private static final String AUTHENTICATION_PRINCIPAL =
      "org.springframework.security.core.annotation.AuthenticationPrincipal";

  /** Puts the resolver before Spring's own, one of which takes every type of principal. */
  static BeanPostProcessor first() {
    return new BeanPostProcessor() {
      @Override
      public Object postProcessAfterInitialization(Object bean, String name) {
        if (bean instanceof RequestMappingHandlerAdapter adapter
            && adapter.getArgumentResolvers() != null) {
          List<HandlerMethodArgumentResolver> resolvers = new ArrayList<>();
          resolvers.add(new MeshPeerArguments());
          resolvers.addAll(adapter.getArgumentResolvers());
          adapter.setArgumentResolvers(resolvers);
        }
        return bean;
      }
    };
  }

  @Override
  public boolean supportsParameter(MethodParameter parameter) {
    return parameter.nestedIfOptional().getNestedParameterType() == MeshPeer.class
        && !MergedAnnotations.from(parameter.getParameterAnnotations())
            .isPresent(AUTHENTICATION_PRINCIPAL);
  }

  @Override
  public @Nullable Object resolveArgument(
      MethodParameter parameter,
      @Nullable ModelAndViewContainer container,
      NativeWebRequest request,
      @Nullable WebDataBinderFactory binders)
      throws ServletRequestBindingException {
    ServletRequest servlet = request.getNativeRequest(ServletRequest.class);
    MeshPeer peer = servlet == null ? null : MeshPeers.of(servlet).orElse(null);
    if (peer == null && !parameter.isOptional()) {
      throw new ServletRequestBindingException(
          "expected a request from the mesh, found one that came by another connector");
    }
    return parameter.getParameterType() == Optional.class ? Optional.ofNullable(peer) : peer;
  }
}
