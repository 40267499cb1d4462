#include "router/tls_context.h"

#include <new>

namespace router {

namespace {

constexpr char kCiphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2
constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

}  // namespace

TlsContext::TlsContext(UnknownName unknown)
    : unknown_(unknown), context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX* ctx = context_.get();
  if (ctx == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(ctx, kCiphers);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A read goes on for ever while a client sends nothing but key updates, if it repeats.
  SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(ctx, kProtocols, sizeof(kProtocols));
  SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
  SSL_CTX_set_tlsext_servername_arg(ctx, this);
  SSL_CTX_set_alpn_select_cb(ctx, on_protocols, this);
}

void TlsContext::set_certificates(Certificates certificates) {
  certificates_ = std::move(certificates);
}

void TlsContext::set_ticket_keys(const wire::TicketKeys& keys) {
  auto copy = keys;
  SSL_CTX_set_tlsext_ticket_keys(context_.get(), copy.data(), copy.size());
  OPENSSL_cleanse(copy.data(), copy.size());
}

Openssl<SSL> TlsContext::make_server() const {
  Openssl<SSL> ssl(SSL_new(context_.get()));
  if (!ssl) throw std::bad_alloc();
  SSL_set_accept_state(ssl.get());
  return ssl;
}

int TlsContext::on_name(SSL* ssl, int* alert, void* self) {
  const auto& context = *static_cast<const TlsContext*>(self);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  auto chosen = name != nullptr ? context.certificates_.find(name) : nullptr;
  if (!chosen && context.unknown_ == UnknownName::fallback)
    chosen = context.certificates_.fallback();
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  if (!chosen) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *alert = SSL_AD_INTERNAL_ERROR;
  if (SSL_use_cert_and_key(ssl, chosen->leaf.get(), chosen->key.get(),
                           chosen->chain.get(), 1) != 1)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  return name != nullptr ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int TlsContext::on_protocols(SSL* /*ssl*/,
                             const unsigned char** chosen,
                             unsigned char* chosen_size,
                             const unsigned char* offered,
                             unsigned offered_size,
                             void* /*self*/) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, kProtocols, sizeof(kProtocols), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace router
