package io.meshnative.spring.boot.test.shop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.springframework.test.web.client.match.MockRestRequestMatchers.requestTo;
import static org.springframework.test.web.client.response.MockRestResponseCreators.withSuccess;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;

import io.meshnative.MeshClient;
import io.meshnative.NoEndpointException;
import io.meshnative.spring.boot.test.AutoConfigureMesh;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import javax.sql.DataSource;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.data.jpa.test.autoconfigure.DataJpaTest;
import org.springframework.boot.jdbc.test.autoconfigure.JdbcTest;
import org.springframework.boot.restclient.test.autoconfigure.AutoConfigureMockRestServiceServer;
import org.springframework.boot.restclient.test.autoconfigure.RestClientTest;
import org.springframework.boot.webmvc.test.autoconfigure.WebMvcTest;
import org.springframework.http.MediaType;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.web.client.MockRestServiceServer;
import org.springframework.test.web.servlet.MockMvc;

/** Slices know nothing of the mesh, and need no agent, unless they ask for it. */
class SlicesTest {
  private static void assertNoMesh(ObjectProvider<MeshClient> mesh) {
    assertThat(mesh.getIfAvailable()).isNull();
  }

  @Nested
  @WebMvcTest(Door.class)
  class OfControllers {
    @Test
    void needsNoAgent(@Autowired MockMvc mvc, @Autowired ObjectProvider<MeshClient> mesh)
        throws Exception {
      mvc.perform(get("/")).andExpect(content().string("hello"));
      assertNoMesh(mesh);
    }
  }

  @Nested
  @DataJpaTest
  class OfRepositories {
    @Test
    void hasADatabaseOfItsOwnThoughTheApplicationsIsInTheMesh(
        @Autowired Items items,
        @Autowired DataSource source,
        @Autowired ObjectProvider<MeshClient> mesh)
        throws Exception {
      Item teapot = new Item();
      teapot.id = 17;
      teapot.name = "teapot";
      items.saveAndFlush(teapot);
      assertThat(items.findByName("teapot").id).isEqualTo(17);
      assertThat(source.getConnection().getMetaData().getURL()).startsWith("jdbc:h2:");
      assertNoMesh(mesh);
    }
  }

  @Nested
  @JdbcTest
  class OfStatements {
    @Test
    void hasADatabaseOfItsOwn(
        @Autowired JdbcClient jdbc, @Autowired ObjectProvider<MeshClient> mesh) {
      assertThat(jdbc.sql("SELECT 17").query(Integer.class).single()).isEqualTo(17);
      assertNoMesh(mesh);
    }
  }

  @Nested
  @RestClientTest(Orders.class)
  class OfClients {
    @Test
    void isAnsweredByTheTest(
        @Autowired Orders orders,
        @Autowired MockRestServiceServer server,
        @Autowired ObjectProvider<MeshClient> mesh) {
      server
          .expect(requestTo("https://orders.mesh/orders/7"))
          .andRespond(withSuccess("a teapot", MediaType.TEXT_PLAIN));
      assertThat(orders.seven()).isEqualTo("a teapot");
      assertNoMesh(mesh);
    }
  }

  @Nested
  @RestClientTest(Orders.class)
  @AutoConfigureMockRestServiceServer(enabled = false)
  @AutoConfigureMesh
  @EmbeddedMesh
  class OfClientsThatAsk {
    @Test
    void callsIntoThePlanesMesh(
        @Autowired Orders orders, @Autowired MeshClient mesh, EmbeddedControlPlane plane) {
      assertThat(mesh.identity().id().toString()).contains(plane.trustDomain());
      assertThatThrownBy(orders::seven).hasRootCauseInstanceOf(NoEndpointException.class);
    }
  }
}
