// TlsStream: a client's connection under TLS, this end being the server.
//
// OpenSSL reads from the socket directly, and writes through a pipe that takes every
// record whole: what the socket does not take at once waits there (one record, at most),
// so reading never waits for writing. An end without the client's close_notify is an
// error, never an end.
#pragma once

#include <memory>
#include <string>

#include "router/stream.h"
#include "router/tls_context.h"

namespace router {

class TlsStream final : public Stream {
 public:
  TlsStream(uvx::Loop& loop, base::Fd socket, const TlsContext& context);
  ~TlsStream() override;

  /// Before anything else. An error says why there is no connection; the client was told
  /// as far as it listens.
  uvx::Task<base::Result<>> handshake(base::Deadline deadline);

  base::Result<size_t> try_receive(std::span<char> buffer) override;
  /// Of what it did not take, a record may already be on its way: the same bytes must
  /// come first in the next call, or none at all any more.
  base::Result<size_t> try_send(std::string_view bytes) override;
  uvx::Task<base::Result<>> readable(base::Deadline deadline) override;
  uvx::Task<base::Result<>> writable(base::Deadline deadline) override;
  /// Says close_notify. If the socket is full, it goes out while the client is read from.
  bool finish_sending() override;
  void interrupt() override;
  void resume() override;
  int fd() const override { return socket_.get(); }

  /// Whether the handshake failed because the client speaks plain HTTP.
  bool spoke_http() const { return spoke_http_; }
  /// Of the handshake, for tests: "TLSv1.3".
  std::string_view version() const { return SSL_get_version(ssl_.get()); }

 private:
  struct Bio;  // what OpenSSL calls
  /// Sends what waits in the pipe. False if the connection is broken.
  bool flush();
  std::unexpected<base::Error> failed(int ssl_error, std::string_view what);

  uvx::Loop& loop_;
  base::Fd socket_;
  std::unique_ptr<uvx::Poll> poll_;  // before its socket is closed, it has gone
  Openssl<SSL> ssl_;
  std::string unsent_;         // records that the socket did not take yet
  size_t promised_ = 0;        // bytes in them of which try_send() has not told yet
  int errno_ = 0;              // of the socket
  bool client_ended_ = false;  // its end of the socket
  bool drained_ = false;       // nothing to read but what is still to come
  bool finished_ = false;      // nothing more will be sent
  bool broken_ = false;        // OpenSSL must not be asked any more
  bool interrupted_ = false;
  bool spoke_http_ = false;
};

}  // namespace router
