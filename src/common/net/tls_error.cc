#include "common/net/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstring>
#include <string>

namespace flare {
namespace {

std::string text_of(const char* text) { return text ? text : "unknown reason"; }

// The library's reasons for what operators meet most say little.
std::string reason_of(unsigned long packed) {
  if (ERR_SYSTEM_ERROR(packed)) return std::strerror(ERR_GET_REASON(packed));
  if (ERR_GET_LIB(packed) != ERR_LIB_SSL) return text_of(ERR_reason_error_string(packed));
  const auto reason = ERR_GET_REASON(packed);
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return "it speaks no TLS: plain text on one side, TLS on the other?";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return "it showed no certificate";
    default:
      break;
  }
  const auto text = text_of(ERR_reason_error_string(packed));
  return reason >= SSL_AD_REASON_OFFSET ? "it refused: " + text : text;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"  // Boost's base has none, and is never deleted by it
// A positive value is an error of the library's queue, a negative one the verdict on a certificate.
class TlsCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    if (value < 0) return "its certificate is refused: " + text_of(X509_verify_cert_error_string(-value));
    return reason_of(static_cast<unsigned>(value));
  }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& tls_category() {
  static const TlsCategory category;
  return category;
}

boost::system::error_code last_tls_error() {
  const auto packed = ERR_peek_error();
  ERR_clear_error();
  if (packed == 0) return {};
  if (ERR_SYSTEM_ERROR(packed)) return {ERR_GET_REASON(packed), boost::system::system_category()};
  return {static_cast<int>(packed), tls_category()};
}

boost::system::error_code refused_certificate(long verdict) { return {static_cast<int>(-verdict), tls_category()}; }

}  // namespace flare
