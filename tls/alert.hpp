// TLS alerts: the messages with which a peer closes the connection or says what is wrong (RFC 8446 §6, §B.2).
#pragma once

#include <cstdint>

namespace sallyport::tls {

enum class Alert : std::uint8_t {
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  bad_certificate = 42,
  unsupported_certificate = 43,
  certificate_revoked = 44,
  certificate_expired = 45,
  certificate_unknown = 46,
  illegal_parameter = 47,
  unknown_ca = 48,
  access_denied = 49,
  decode_error = 50,
  user_canceled = 90,
  certificate_required = 116,
};

// True for the alerts with which a server refuses a client's certificate, or its absence.
constexpr bool is_about_a_certificate(Alert alert) {
  switch (alert) {
    case Alert::bad_certificate:
    case Alert::unsupported_certificate:
    case Alert::certificate_revoked:
    case Alert::certificate_expired:
    case Alert::certificate_unknown:
    case Alert::unknown_ca:
    case Alert::access_denied:
    case Alert::certificate_required:
      return true;
    default:
      return false;
  }
}

}  // namespace sallyport::tls
