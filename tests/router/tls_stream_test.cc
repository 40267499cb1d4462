#include "router/tls_stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "base/uv/task_group.h"
#include "tests/router/made_certificate.h"

namespace {

using namespace std::chrono_literals;
using router_test::made_certificate;

/// A client of OpenSSL's own on a socket that does not wait.
class Client {
 public:
  explicit Client(base::Fd fd, const char* name = "a.example", int most = TLS1_3_VERSION)
      : fd_(std::move(fd)), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_max_proto_version(context_.get(), most);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_.get());
    SSL_set_connect_state(ssl_.get());
    if (name != nullptr) SSL_set_tlsext_host_name(ssl_.get(), name);
  }

  bool handshake() {
    ERR_clear_error();
    return done(SSL_do_handshake(ssl_.get()));
  }
  size_t send(std::string_view bytes) {
    size_t sent = 0;
    done(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent));
    return sent;
  }
  /// What came since the last time.
  std::string take() {
    std::string all;
    std::string buffer(64 * 1024, '\0');
    size_t n = 0;
    while (done(SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &n)))
      all.append(buffer, 0, n);
    return all;
  }
  /// close_notify came.
  bool ended() const { return error_ == SSL_ERROR_ZERO_RETURN; }
  bool failed() const { return error_ == SSL_ERROR_SSL || error_ == SSL_ERROR_SYSCALL; }
  /// The first that went wrong, as OpenSSL counts reasons.
  int fault() const { return fault_; }
  std::string shown() const {
    const router::Openssl<X509> leaf(SSL_get1_peer_certificate(ssl_.get()));
    std::string name(64, '\0');
    const int n = leaf ? X509_NAME_get_text_by_NID(X509_get_subject_name(leaf.get()),
                                                   NID_commonName, name.data(), 64)
                       : 0;
    name.resize(static_cast<size_t>(std::max(n, 0)));
    return name;
  }
  SSL* ssl() { return ssl_.get(); }
  int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

 private:
  bool done(int result) {
    error_ = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), result);
    if (error_ == SSL_ERROR_SSL && fault_ == 0)
      fault_ = ERR_GET_REASON(ERR_peek_last_error());
    return result > 0;
  }
  base::Fd fd_;
  router::Openssl<SSL_CTX> context_;
  router::Openssl<SSL> ssl_;
  int error_ = SSL_ERROR_NONE;
  int fault_ = 0;
};

struct Pair {
  explicit Pair(router::UnknownName unknown = router::UnknownName::fallback)
      : context(unknown), tasks(loop) {
    base::Log log = base::Log::silent();
    const router::Certificates none;
    router::CertificatesUpdate update(
        log, none,
        {made_certificate("a.crt", {.names = {"a.example"}, .common_name = "A"}),
         made_certificate("b.crt", {.names = {"*.b.example"}, .common_name = "B"})});
    while (update.step()) {
    }
    context.set_certificates(update.take());
    auto ends = base::make_socketpair(SOCK_STREAM, base::Blocking::no).value();
    server.emplace(loop, std::move(ends.first), context);
    socket = std::move(ends.second);
  }

  /// Runs until nothing happens any more without the test.
  void settle() {
    for (int i = 0; i < 6; ++i)
      loop.run_ready();
  }
  bool connect(Client& client) {
    tasks.spawn(shake(this));
    for (int i = 0; i < 10 && !client.handshake(); ++i)
      settle();
    settle();
    return shaken && shaken->has_value();
  }
  static uvx::Task<void> shake(Pair* self) {
    self->shaken = co_await self->server->handshake(base::Deadline::in(10s));
  }
  /// Echoes until the client's end, then says goodbye.
  static uvx::Task<void> echo(Pair* self) {
    std::string buffer(64 * 1024, '\0');
    for (;;) {
      const auto n =
          co_await router::receive(*self->server, buffer, base::Deadline::in(10s));
      if (!n) self->fault = n.error();
      if (!n || *n == 0) break;
      const auto sent = co_await router::send_all(
          *self->server, std::string_view(buffer).substr(0, *n), 10s);
      if (!sent) self->fault = sent.error();
      if (!sent) break;
    }
    if (!self->fault) self->server->finish_sending();
  }
  ~Pair() { loop.run(tasks.join()); }

  uvx::Loop loop;
  router::TlsContext context;
  uvx::TaskGroup tasks;
  std::optional<router::TlsStream> server;
  base::Fd socket;
  std::optional<base::Result<>> shaken;
  std::optional<base::Error> fault;
};

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("tls: bytes go both ways in both versions, and end with close_notify") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CAPTURE(version);
      Pair pair;
      Client client(std::move(pair.socket), "a.example", version);
      REQUIRE(pair.connect(client));
      CHECK(client.shown() == "A");
      pair.tasks.spawn(Pair::echo(&pair));
      CHECK(client.send("hello") == 5);
      pair.settle();
      CHECK(client.take() == "hello");
      CHECK_FALSE(client.ended());
      SSL_shutdown(client.ssl());
      pair.settle();
      CHECK(client.take().empty());
      CHECK(client.ended());
      CHECK_FALSE(pair.fault);
    }
  }

  TEST_CASE("tls: old versions and renegotiation are refused") {
    Pair pair;
    Client client(std::move(pair.socket), "a.example", TLS1_1_VERSION);
    SSL_set_security_level(client.ssl(), 0);
    CHECK_FALSE(pair.connect(client));
    CHECK(pair.shaken.has_value());
    Pair other;
    Client again(std::move(other.socket), "a.example", TLS1_2_VERSION);
    REQUIRE(other.connect(again));
    other.tasks.spawn(Pair::echo(&other));
    SSL_renegotiate(again.ssl());
    again.handshake();
    other.settle();
    again.take();
    CHECK(again.failed());
    again.close();
    other.settle();
  }

  TEST_CASE(
      "tls: a name picks the certificate; an unknown one gets the default or an alert") {
    struct Row {
      const char* name;
      router::UnknownName unknown;
      std::string shown;
    };
    const Row rows[] = {
        {"a.example", router::UnknownName::refused, "A"},
        {"x.b.example", router::UnknownName::refused, "B"},
        {"b.example", router::UnknownName::fallback, "A"},
        {nullptr, router::UnknownName::fallback, "A"},
        {"b.example", router::UnknownName::refused, ""},
        {nullptr, router::UnknownName::refused, ""},
    };
    for (const Row& row : rows) {
      CAPTURE(row.shown);
      Pair pair(row.unknown);
      Client client(std::move(pair.socket), row.name);
      CHECK(pair.connect(client) == !row.shown.empty());
      CHECK(client.shown() == row.shown);
      if (!row.shown.empty()) continue;
      CHECK(client.fault() == SSL_AD_REASON_OFFSET + SSL_AD_UNRECOGNIZED_NAME);
    }
  }

  TEST_CASE("tls: http/1.1 is agreed on by ALPN, and h2 alone is refused") {
    struct Row {
      std::string offered;
      bool agreed;
    };
    for (const Row& row : {Row{"\x02h2\x08http/1.1", true}, Row{"\x02h2", false}}) {
      Pair pair;
      Client client(std::move(pair.socket));
      SSL_set_alpn_protos(client.ssl(),
                          reinterpret_cast<const unsigned char*>(row.offered.data()),
                          static_cast<unsigned>(row.offered.size()));
      CHECK(pair.connect(client) == row.agreed);
      const unsigned char* chosen = nullptr;
      unsigned size = 0;
      SSL_get0_alpn_selected(client.ssl(), &chosen, &size);
      CHECK(size == (row.agreed ? 8 : 0));
    }
  }

  TEST_CASE("tls: megabytes through a socket that is often full arrive in order") {
    Pair pair;
    const int small = 8192;
    ::setsockopt(pair.server->fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    Client client(std::move(pair.socket));
    REQUIRE(pair.connect(client));
    pair.tasks.spawn(Pair::echo(&pair));
    std::string text;
    for (size_t i = 0; text.size() < 3'000'000; ++i)
      text += std::to_string(i) + ' ';
    std::string back;
    size_t sent = 0;
    for (int turns = 0; back.size() < text.size() && turns < 100'000; ++turns) {
      // Half of the time the client does not read: both directions stand still.
      if (sent < text.size())
        sent += client.send(std::string_view(text).substr(sent, 16'000));
      pair.settle();
      if (turns % 16 > 7) back += client.take();
    }
    CHECK(back == text);
    SSL_shutdown(client.ssl());
    pair.settle();
    back = client.take();
    CHECK(back.empty());
    CHECK(client.ended());
  }

  TEST_CASE("tls: goodbye goes out even when the socket is full") {
    Pair pair;
    const int small = 4096;
    ::setsockopt(pair.server->fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    Client client(std::move(pair.socket));
    REQUIRE(pair.connect(client));
    const std::string block(64 * 1024, 'x');
    size_t sent = 0;
    for (;;) {
      const auto n = pair.server->try_send(block);
      REQUIRE(n);
      sent += *n;
      if (*n < block.size()) break;
    }
    CHECK(pair.server->finish_sending());
    pair.tasks.spawn(Pair::echo(&pair));  // somebody reads, and that lets it go
    std::string got;
    for (int i = 0; i < 1000 && !client.ended(); ++i) {
      pair.settle();
      got += client.take();
    }
    CHECK(client.ended());
    CHECK(got.size() >= sent);
    client.close();
    pair.settle();
  }

  TEST_CASE("tls: an end without close_notify is an error") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      Pair pair;
      Client client(std::move(pair.socket), "a.example", version);
      REQUIRE(pair.connect(client));
      pair.tasks.spawn(Pair::echo(&pair));
      client.send("half a requ");
      pair.settle();
      ::shutdown(client.fd(), SHUT_WR);
      pair.settle();
      CHECK(pair.fault);
    }
  }

  TEST_CASE("tls: a client that does not speak TLS, or says nothing, is not waited for") {
    Pair pair;
    base::Fd socket = std::move(pair.socket);
    REQUIRE(base::write_all(socket.get(), "GET / HTTP/1.1\r\n\r\n"));
    pair.tasks.spawn(Pair::shake(&pair));
    pair.settle();
    REQUIRE(pair.shaken);
    CHECK_FALSE(*pair.shaken);
    CHECK(pair.server->spoke_http());
    Pair silent;
    const auto late = silent.loop.run(silent.server->handshake(base::Deadline::in(1ms)));
    REQUIRE_FALSE(late);
    CHECK(late.error().is(std::errc::timed_out));
  }

  TEST_CASE("tls: interrupt wakes the reader, and after resume it reads on") {
    Pair pair;
    Client client(std::move(pair.socket));
    REQUIRE(pair.connect(client));
    pair.tasks.spawn(Pair::echo(&pair));
    pair.settle();
    pair.server->interrupt();
    pair.settle();
    REQUIRE(pair.fault);
    CHECK(pair.fault->is(std::errc::operation_canceled));
    pair.fault.reset();
    pair.server->resume();
    client.send("again");
    pair.tasks.spawn(Pair::echo(&pair));
    pair.settle();
    CHECK(client.take() == "again");
    SSL_shutdown(client.ssl());
    pair.settle();
  }

  TEST_CASE("tls: new certificates are for new connections, and the old ones go on") {
    Pair pair;
    Client client(std::move(pair.socket));
    REQUIRE(pair.connect(client));
    pair.context.set_certificates({});
    pair.tasks.spawn(Pair::echo(&pair));
    client.send("still here");
    pair.settle();
    CHECK(client.take() == "still here");
    SSL_shutdown(client.ssl());
    pair.settle();
  }
}
