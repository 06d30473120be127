package asha.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import asha.v1.HeartbeatRequest;
import asha.v1.SuggestionServiceGrpc;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ServerCredentials;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS, mutual TLS, access tokens and Unix sockets. */
class SecurityTest {
  private static final CallLimits ONCE = new CallLimits(Duration.ofSeconds(10), Duration.ZERO);

  @TempDir static Path folder;
  private static File certificate;
  private static File key;

  /** A self-signed certificate of localhost, by the JDK's own keytool. */
  @BeforeAll
  static void makeCertificate() throws Exception {
    Path store = folder.resolve("store.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "localhost",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=dns:localhost",
                "-storetype",
                "PKCS12",
                "-storepass",
                "password",
                "-keystore",
                store.toString())
            .inheritIO()
            .start();
    assertEquals(0, keytool.waitFor());
    KeyStore keys = KeyStore.getInstance("PKCS12");
    char[] password = "password".toCharArray();
    try (InputStream file = Files.newInputStream(store)) {
      keys.load(file, password);
    }
    certificate = pem("CERTIFICATE", keys.getCertificate("localhost").getEncoded());
    key = pem("PRIVATE KEY", keys.getKey("localhost", password).getEncoded());
  }

  private static File pem(String label, byte[] content) throws Exception {
    String lines = Base64.getMimeEncoder().encodeToString(content);
    String text = "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(label, lines, label);
    return Files.writeString(folder.resolve(label + ".pem"), text).toFile();
  }

  private static void beat(ScriptedServer server, ChannelCredentials credentials) {
    try (AshaClient client = server.builder().credentials(credentials).connect()) {
      client.call(
          SuggestionServiceGrpc.getHeartbeatMethod(), HeartbeatRequest.getDefaultInstance(), ONCE);
    }
  }

  @Test
  void tlsTrustsTheGivenRootsAndNoOthers() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(TlsServerCredentials.create(certificate, key))) {
      beat(server, TlsChannelCredentials.newBuilder().trustManager(certificate).build());

      assertEquals(
          "UNAVAILABLE",
          assertThrows(AshaException.class, () -> beat(server, TlsChannelCredentials.create()))
              .code());
      assertEquals(1, server.requests(HeartbeatRequest.class).size());
    }
  }

  @Test
  void mutualTlsShowsTheClientsCertificate() throws Exception {
    ServerCredentials mutual =
        TlsServerCredentials.newBuilder()
            .keyManager(certificate, key)
            .trustManager(certificate)
            .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
            .build();
    try (ScriptedServer server = new ScriptedServer(mutual)) {
      beat(
          server,
          TlsChannelCredentials.newBuilder()
              .trustManager(certificate)
              .keyManager(certificate, key)
              .build());

      assertThrows(
          AshaException.class,
          () -> beat(server, TlsChannelCredentials.newBuilder().trustManager(certificate).build()));
      assertEquals(1, server.requests(HeartbeatRequest.class).size());
    }
  }

  @Test
  void theTokenGoesWithEveryCall() throws Exception {
    try (ScriptedServer server = new ScriptedServer();
        AshaClient client = server.builder().token("s3cret").connect()) {
      client.experiment("digits").trials("worker-1").next().release("");

      assertEquals(List.of("Bearer s3cret", "Bearer s3cret"), server.tokens());
    }
  }

  @Test
  void aUnixSocketIsAnAddress() throws Exception {
    Path socket = folder.resolve("asha.sock");
    var loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(
                new DomainSocketAddress(socket.toFile()), InsecureServerCredentials.create())
            .channelType(EpollServerDomainSocketChannel.class)
            .bossEventLoopGroup(loop)
            .workerEventLoopGroup(loop);
    try (ScriptedServer server = new ScriptedServer(builder);
        AshaClient client = AshaClient.connect("unix:" + socket)) {
      assertTrue(client.experiment("digits").trials("worker-1").hasNext());

      assertEquals(List.of("GetSuggestion"), server.calls());
    } finally {
      loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
  }
}
