#include "router/tls_stream.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "router/transfer.h"

namespace router {

namespace {

constexpr size_t kRecord = 16 * 1024;
/// A client that asks for answers (key updates) and never reads them is broken off here.
constexpr size_t kMostUnsent = 128 * 1024;

uvx::Task<base::Result<>> at_once(base::Result<> result) {
  co_return result;
}

}  // namespace

struct TlsStream::Bio {
  static TlsStream& of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* buffer, int size) {
    TlsStream& self = of(bio);
    BIO_clear_retry_flags(bio);
    const auto received =
        router::try_receive(self.fd(), {buffer, static_cast<size_t>(size)});
    if (received) {
      self.client_ended_ = *received == 0;
      return static_cast<int>(*received);
    }
    if (received.error().is(std::errc::resource_unavailable_try_again))
      BIO_set_retry_read(bio);
    else
      self.errno_ = received.error().code.value();
    return -1;
  }

  static int write(BIO* bio, const char* bytes, int size) {
    TlsStream& self = of(bio);
    std::string_view rest(bytes, static_cast<size_t>(size));
    if (self.unsent_.empty()) {
      const auto sent = router::try_send(self.fd(), rest);
      if (!sent) {
        self.errno_ = sent.error().code.value();
        return -1;
      }
      rest.remove_prefix(*sent);
    }
    if (self.unsent_.size() + rest.size() > kMostUnsent) {
      self.errno_ = ENOBUFS;
      return -1;
    }
    self.unsent_.append(rest);
    return size;
  }

  static long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    if (command == BIO_CTRL_EOF) return of(bio).client_ended_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
      BIO_meth_set_read(m, read);
      BIO_meth_set_write(m, write);
      BIO_meth_set_ctrl(m, control);
      return m;
    }();
    return made;
  }
};

TlsStream::TlsStream(uvx::Loop& loop, base::Fd socket, const TlsContext& context)
    : loop_(loop),
      socket_(std::move(socket)),
      poll_(std::make_unique<uvx::Poll>(loop, socket_.get())),
      ssl_(context.make_server()) {
  BIO* bio = BIO_new(Bio::method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsStream::~TlsStream() = default;

uvx::Task<base::Result<>> TlsStream::handshake(base::Deadline deadline) {
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) co_return base::Result<>{};
    const int error = SSL_get_error(ssl_.get(), done);
    if (error != SSL_ERROR_WANT_READ) co_return failed(error, "handshake");
    // More than the socket takes at once may be under way to the client.
    const bool waits = !unsent_.empty();
    auto ready =
        waits ? co_await poll_->writable(deadline) : co_await poll_->readable(deadline);
    if (!ready) co_return ready;
    if (waits && !flush()) co_return base::fail(errno_, "handshake");
  }
}

std::unexpected<base::Error> TlsStream::failed(int ssl_error, std::string_view what) {
  broken_ = true;
  std::string context = "TLS: " + std::string(what);
  if (ssl_error == SSL_ERROR_SYSCALL && errno_ != 0)
    return base::fail(errno_, std::move(context));
  spoke_http_ = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_HTTP_REQUEST;
  context += ": ";
  context += openssl_fault();
  return base::fail(EPROTO, std::move(context));
}

bool TlsStream::flush() {
  while (!unsent_.empty()) {
    const auto sent = router::try_send(fd(), unsent_);
    if (!sent) {
      errno_ = sent.error().code.value();
      broken_ = true;
      return false;
    }
    if (*sent == 0) return true;
    unsent_.erase(0, *sent);
  }
  std::string().swap(unsent_);
  if (finished_) ::shutdown(fd(), SHUT_WR);
  return true;
}

base::Result<size_t> TlsStream::try_receive(std::span<char> buffer) {
  if (!unsent_.empty()) flush();
  if (broken_) return base::fail(errno_ != 0 ? errno_ : EPROTO, "receive");
  ERR_clear_error();
  size_t received = 0;
  const int done = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &received);
  drained_ = done != 1;
  if (done == 1) return received;
  const int error = SSL_get_error(ssl_.get(), done);
  if (error == SSL_ERROR_WANT_READ) return base::fail(EAGAIN, "receive");
  if (error == SSL_ERROR_ZERO_RETURN) return size_t{0};
  return failed(error, "receive");
}

base::Result<size_t> TlsStream::try_send(std::string_view bytes) {
  if (!unsent_.empty()) flush();
  if (broken_) return base::fail(errno_ != 0 ? errno_ : EPROTO, "send");
  if (!unsent_.empty()) return size_t{0};
  size_t sent = std::min(std::exchange(promised_, 0), bytes.size());
  while (sent < bytes.size()) {
    ERR_clear_error();
    size_t taken = 0;
    const auto piece = bytes.substr(sent, kRecord);
    const int done = SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &taken);
    if (done != 1) return failed(SSL_get_error(ssl_.get(), done), "send");
    if (!unsent_.empty()) {
      promised_ = taken;
      break;
    }
    sent += taken;
  }
  return sent;
}

uvx::Task<base::Result<>> TlsStream::readable(base::Deadline deadline) {
  if (interrupted_) return at_once(base::fail(ECANCELED, "wait for client"));
  if (broken_ || (!drained_ && SSL_has_pending(ssl_.get()) == 1)) return at_once({});
  if (finished_ && !unsent_.empty()) return poll_->writable(deadline);
  return poll_->readable(deadline);
}

uvx::Task<base::Result<>> TlsStream::writable(base::Deadline deadline) {
  return poll_->writable(deadline);
}

bool TlsStream::finish_sending() {
  if (broken_) return false;
  finished_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  if (unsent_.empty()) return ::shutdown(fd(), SHUT_WR) == 0;
  return flush();
}

void TlsStream::interrupt() {
  interrupted_ = true;
  poll_->close();
}

void TlsStream::resume() {
  interrupted_ = false;
  poll_.reset();
  poll_ = std::make_unique<uvx::Poll>(loop_, socket_.get());
}

}  // namespace router
