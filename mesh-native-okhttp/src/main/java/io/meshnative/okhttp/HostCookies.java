package io.meshnative.okhttp;

import java.util.List;
import okhttp3.Cookie;
import okhttp3.CookieJar;
import okhttp3.HttpUrl;

/**
 * The application's cookie jar, in which no service plants a cookie for another one: {@code
 * Domain=service.consul} would go to every service. Browsers refuse such domains by the list of
 * public suffixes, on which no mesh stands.
 */
record HostCookies(CookieJar jar) implements CookieJar {

  @Override
  public List<Cookie> loadForRequest(HttpUrl url) {
    return jar.loadForRequest(url).stream().filter(cookie -> isOfHost(cookie, url)).toList();
  }

  @Override
  public void saveFromResponse(HttpUrl url, List<Cookie> cookies) {
    List<Cookie> own = cookies.stream().filter(cookie -> isOfHost(cookie, url)).toList();
    if (!own.isEmpty()) {
      jar.saveFromResponse(url, own);
    }
  }

  private static boolean isOfHost(Cookie cookie, HttpUrl url) {
    return cookie.domain().equals(url.host());
  }
}
