package io.meshnative.spring.boot.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.jdbc.MeshJdbcUrl;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.TypeReference;
import org.springframework.aot.hint.predicate.RuntimeHintsPredicates;
import org.springframework.boot.test.context.FilteredClassLoader;

class MeshJdbcRuntimeHintsTest {
  private static final Pattern FACTORY = Pattern.compile("io\\.meshnative\\.jdbc\\.\\w+");

  @Test
  void theFactoryOfADriverThatIsThereCanBeMadeByItsName() {
    RuntimeHints hints = new RuntimeHints();
    new MeshJdbcRuntimeHints().registerHints(hints, getClass().getClassLoader());
    assertThat(
            RuntimeHintsPredicates.reflection()
                .onType(TypeReference.of("io.meshnative.jdbc.PostgresSocketFactory"))
                .withMemberCategory(MemberCategory.INVOKE_PUBLIC_CONSTRUCTORS))
        .accepts(hints);
  }

  @Test
  void everyFactoryThatARewrittenUrlNamesIsListed() {
    for (String url :
        new String[] {
          "jdbc:postgresql://db/app",
          "jdbc:mysql://db/app",
          "jdbc:mariadb://db/app",
          "jdbc:sqlserver://db;databaseName=app"
        }) {
      Matcher named = FACTORY.matcher(MeshJdbcUrl.rewrite(url));
      assertThat(named.find()).as(url).isTrue();
      assertThat(MeshJdbcRuntimeHints.FACTORIES).contains(named.group());
    }
  }

  @Test
  void withoutTheModuleThereIsNothingToHint() {
    RuntimeHints hints = new RuntimeHints();
    new MeshJdbcRuntimeHints().registerHints(hints, new FilteredClassLoader("io.meshnative.jdbc"));
    assertThat(hints.reflection().typeHints()).isEmpty();
  }
}
