#include "tls/session_slot.hpp"

namespace sallyport::tls {

namespace {
int slot_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* slot = static_cast<SessionSlot*>(SSL_get_ex_data(ssl, slot_index()));
  if (slot == nullptr) return 0;
  slot->session.reset(session);
  return 1;  // we keep the reference that OpenSSL passed
}
}  // namespace

void SessionSlot::attach(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
}

void SessionSlot::remember_in(SSL* ssl) { SSL_set_ex_data(ssl, slot_index(), this); }

}  // namespace sallyport::tls
