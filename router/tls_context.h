// TlsContext: what all TLS connections of a router share: versions and ciphers, which
// certificate a client gets, and what its session tickets are sealed with.
//
// TLS 1.2 and 1.3, "http/1.1" by ALPN, no renegotiation, no compression, no sessions kept
// in memory.
#pragma once

#include "base/log.h"
#include "base/wire/certificates.h"
#include "router/certificates.h"
#include "router/openssl.h"

namespace router {

/// What a client gets that asks for a name of no certificate, or for none.
enum class UnknownName {
  fallback,  ///< the certificate of "_default", or the first one
  refused,   ///< the alert unrecognized_name
};

class TlsContext {
 public:
  explicit TlsContext(UnknownName unknown);
  ~TlsContext() = default;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  const Certificates& certificates() const { return certificates_; }
  /// For handshakes from now on; connections keep what they have.
  void set_certificates(Certificates certificates);
  void set_ticket_keys(const wire::TicketKeys& keys);
  /// A connection that waits for its client's first message.
  Openssl<SSL> make_server() const;

 private:
  static int on_name(SSL* ssl, int* alert, void* self);
  static int on_protocols(SSL* ssl,
                          const unsigned char** chosen,
                          unsigned char* chosen_size,
                          const unsigned char* offered,
                          unsigned offered_size,
                          void* self);

  UnknownName unknown_;
  Certificates certificates_;
  Openssl<SSL_CTX> context_;
};

}  // namespace router
