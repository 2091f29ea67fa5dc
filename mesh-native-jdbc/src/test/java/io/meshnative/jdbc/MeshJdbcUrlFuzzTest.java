package io.meshnative.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.mysql.cj.conf.ConnectionUrl;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mariadb.jdbc.Configuration;

/**
 * What holds for every URL: it is refused with a reason, or what comes out leads nowhere but to
 * this machine, as the drivers themselves read it.
 */
class MeshJdbcUrlFuzzTest {
  private static final long SEED = Long.getLong("mesh.fuzz.seed", 20_261_121L);
  private static final int RUNS = 4000;

  private static final String[] PARTS = {
    "db",
    "db2",
    "localhost",
    "evil.example.com",
    "10.0.0.1",
    "[::1]",
    ":",
    "5432",
    "/",
    "//",
    "app",
    "?",
    "&",
    ";",
    "=",
    ",",
    "#",
    "@",
    "\\",
    "{",
    "}",
    "}}",
    "(",
    ")",
    "%",
    "%3d",
    "%26",
    " ",
    "\t",
    "sslmode",
    "sslMode",
    "SSLMODE",
    "disable",
    "DISABLED",
    "require",
    "encrypt",
    "true",
    "false",
    "strict",
    "socketFactory",
    "socketFactoryClass",
    "socketFactoryArg",
    "socketFactoryConstructorArg",
    "x.Y",
    "PGHOST",
    "host",
    "serverName",
    "service",
    "user",
    "password",
    "meshService",
    "meshClient",
    "meshSticky",
    "meshMultiHost",
    "meshMultiHost=true",
    "db,db2",
    "MESHSERVICE",
    "permitRedirect",
    "dnsSrv",
    "address=(host=evil.example.com)",
    "io.meshnative.jdbc.PostgresSocketFactory",
    "ApplicationName",
    "gssEncMode",
    "ssl",
    "pipe",
  };

  private static String junk(RandomGenerator random, int most) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(most); i > 0; i--) {
      text.append(PARTS[random.nextInt(PARTS.length)]);
    }
    return text.toString();
  }

  /** The host and the parameters that the driver would go by. */
  private record Read(List<String> hosts, Map<String, String> parameters) {}

  private static Read asTheDriverReads(Dialect dialect, String url) throws Exception {
    Map<String, String> parameters = new LinkedHashMap<>();
    List<String> hosts = new ArrayList<>();
    switch (dialect) {
      case POSTGRESQL -> {
        Properties read = org.postgresql.Driver.parseURL(url, new Properties());
        if (read == null) {
          throw new SQLException("the driver refuses " + url);
        }
        read.stringPropertyNames().forEach(name -> parameters.put(name, read.getProperty(name)));
        hosts.addAll(List.of(read.getProperty("PGHOST").split(",")));
      }
      case MYSQL ->
          ConnectionUrl.getConnectionUrlInstance(url, new Properties())
              .getHostsList()
              .forEach(host -> {
                hosts.add(host.getHost());
                parameters.putAll(host.getHostProperties());
              });
      case MARIADB -> {
        Configuration read = Configuration.parse(url);
        assertThat(read).as(url).isNotNull();
        read.addresses().forEach(address -> hosts.add(address.host));
        parameters.put("sslMode", read.sslMode().name());
        parameters.put("socketFactory", read.socketFactory());
        parameters.put("permitRedirect", String.valueOf(read.permitRedirect()));
        parameters.put("useIpForKillQuery", String.valueOf(read.useIpForKillQuery()));
        assertThat(read.pipe()).isNull();
        assertThat(read.localSocket()).isNull();
        Properties others = read.nonMappedOptions();
        others
            .stringPropertyNames()
            .forEach(name -> parameters.put(name, others.getProperty(name)));
      }
      case SQL_SERVER -> {
        java.lang.reflect.Method parse =
            Class.forName("com.microsoft.sqlserver.jdbc.Util")
                .getDeclaredMethod("parseUrl", String.class, java.util.logging.Logger.class);
        parse.setAccessible(true);
        Properties read =
            (Properties) parse.invoke(null, url, java.util.logging.Logger.getAnonymousLogger());
        read.stringPropertyNames().forEach(name -> parameters.put(name, read.getProperty(name)));
        hosts.add(read.getProperty("serverName"));
      }
    }
    return new Read(hosts, parameters);
  }

  private static void holds(String url, String rewritten) throws Exception {
    Dialect dialect = Dialect.of(rewritten);
    assertThat(MeshJdbcUrl.rewrite(rewritten)).as("twice is once: %s", url).isEqualTo(rewritten);
    Read read = asTheDriverReads(dialect, rewritten);
    assertThat(read.hosts()).as("%s became %s", url, rewritten).containsOnly("localhost");
    Map<String, String> parameters = read.parameters();
    assertThat(parameters).as(rewritten).containsEntry(dialect.factoryParameter, dialect.factory);
    dialect.required.forEach((name, accepted) ->
        assertThat(parameters.get(name)).as(rewritten).isEqualToIgnoringCase(accepted.get(0)));
    Map<String, String> ours = new LinkedHashMap<>(parameters);
    ours.keySet().removeIf(name -> !MeshTarget.isOurs(name));
    MeshTarget target =
        switch (dialect) {
          case SQL_SERVER -> MeshTarget.parse(parameters.get(Dialect.ARGUMENT));
          case POSTGRESQL -> MeshTarget.ofSeveral(ours);
          case MYSQL, MARIADB -> MeshTarget.of(ours);
        };
    assertThat(read.hosts()).as(rewritten).hasSameSizeAs(target.destinations());
  }

  @ParameterizedTest
  @EnumSource(Dialect.class)
  void nonsenseIsRefusedOrLeadsToThisMachine(Dialect dialect) throws Exception {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    int accepted = 0;
    for (int run = 0; run < RUNS; run++) {
      // Some of them wild, most of them nearly right: the second kind gets through the parser.
      String separator = dialect == Dialect.SQL_SERVER ? ";" : "&";
      StringBuilder url = new StringBuilder(dialect.prefix);
      if (random.nextInt(4) == 0) {
        url.append(junk(random, 12));
      } else {
        url.append("db").append(dialect == Dialect.SQL_SERVER ? ";" : "/app?");
        for (int i = random.nextInt(4); i > 0; i--) {
          url.append(PARTS[random.nextInt(PARTS.length)])
              .append('=')
              .append(junk(random, 3))
              .append(separator);
        }
      }
      String rewritten;
      try {
        rewritten = MeshJdbcUrl.rewrite(url.toString());
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).as(url.toString()).contains("expected ", "found ");
        continue;
      }
      accepted++;
      holds(url.toString(), rewritten);
    }
    assertThat(accepted).isGreaterThan(RUNS / 50);
  }

  @ParameterizedTest
  @EnumSource(Dialect.class)
  void parametersThatConcernNothingOfThisStayAsTheyAre(Dialect dialect) throws Exception {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    String letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    for (int run = 0; run < 1000; run++) {
      List<String> kept = new ArrayList<>();
      for (int i = random.nextInt(5); i > 0; i--) {
        StringBuilder value = new StringBuilder();
        for (int j = random.nextInt(12); j > 0; j--) {
          value.append(letters.charAt(random.nextInt(letters.length())));
        }
        kept.add("x" + i + "y=" + value);
      }
      String separator = dialect == Dialect.SQL_SERVER ? ";" : "&";
      String url =
          dialect.prefix
              + "db"
              + (dialect == Dialect.SQL_SERVER ? "" : "/app")
              + (kept.isEmpty() ? "" : (dialect == Dialect.SQL_SERVER ? ";" : "?"))
              + String.join(separator, kept);
      String rewritten = MeshJdbcUrl.rewrite(url);
      assertThat(rewritten).contains(String.join(separator, kept));
      holds(url, rewritten);
    }
  }

  /**
   * One letter wrong in what was written, as in a file that somebody edits later: the driver still
   * speaks to nobody but this machine, or refuses the URL itself.
   */
  @ParameterizedTest
  @EnumSource(Dialect.class)
  void oneWrongLetterInAParameterNeverLeadsToTheNetwork(Dialect dialect) {
    neverLeadsToTheNetwork(
        dialect,
        MeshJdbcUrl.rewrite(dialect.prefix + "db" + (dialect == Dialect.SQL_SERVER ? "" : "/app")));
  }

  @Test
  void oneWrongLetterBesideSeveralServicesNeverLeadsToTheNetwork() {
    neverLeadsToTheNetwork(
        Dialect.POSTGRESQL,
        MeshJdbcUrl.rewrite(
            "jdbc:postgresql://a,b/app?targetServerType=primary&meshMultiHost=true"));
  }

  private static void neverLeadsToTheNetwork(Dialect dialect, String rewritten) {
    int parameters = rewritten.indexOf(dialect == Dialect.SQL_SERVER ? ';' : '?') + 1;
    for (int at = parameters; at < rewritten.length(); at++) {
      for (String wrong : List.of("", "x", "X", "%")) {
        String typo = rewritten.substring(0, at) + wrong + rewritten.substring(at + 1);
        Read read;
        try {
          read = asTheDriverReads(dialect, typo);
        } catch (Exception e) {
          continue; // the driver refuses it
        }
        assertThat(read.hosts()).as(typo).containsOnly("localhost");
      }
    }
  }
}
