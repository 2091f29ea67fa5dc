package io.meshnative.benchmarks;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;

/**
 * A way from an OkHttp client in this JVM to a Jetty in this JVM.
 *
 * @param name for the table
 * @param calls the client
 * @param request what is asked for, again and again
 * @param expected by which HTTP
 * @param others the processes in between
 */
record HttpPath(
    String name, Call.Factory calls, Request request, Protocol expected, List<Process> others)
    implements CallPath {

  @Override
  public void call(int patienceMillis) throws IOException {
    Call call = calls.newCall(request);
    call.timeout().timeout(patienceMillis, TimeUnit.MILLISECONDS);
    try (Response response = call.execute()) {
      Protocol spoken =
          response.protocol() == Protocol.H2_PRIOR_KNOWLEDGE
              ? Protocol.HTTP_2
              : response.protocol();
      String body = response.body().string();
      if (response.code() != 200 || !body.equals(HttpService.BODY) || spoken != expected) {
        throw new IOException(
            "expected 200 by "
                + expected
                + ", found "
                + response
                + " with "
                + body.length()
                + " bytes");
      }
    }
  }
}
