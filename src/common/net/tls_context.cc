#include "common/net/tls_context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "common/net/tls_error.h"

namespace flare {
namespace {

// Forward secrecy and one step for secrecy and proof; of TLS 1.3 all are such.
constexpr const char* ciphers_of_tls12 = "ECDHE+AESGCM:ECDHE+CHACHA20";

std::string library_says() {
  const auto code = last_tls_error();
  return code ? code.message() : "no reason given";
}

std::string fault(std::string_view option, const std::string& file, std::string_view why) {
  return fmt::format("option '{}': {}: {}", option, file, why);
}

// The library's own words for a missing file are worse.
Result<void, std::string> can_be_read(std::string_view option, const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fault(option, file, std::strerror(errno));
  ::close(descriptor);
  return {};
}

std::string date_text(const ASN1_TIME* time) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) != 1) return "unknown";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", broken.tm_year + 1900, broken.tm_mon + 1, broken.tm_mday,
                     broken.tm_hour, broken.tm_min, broken.tm_sec);
}

bool others_may_read(const std::string& file) {
  struct stat found {};
  return ::stat(file.c_str(), &found) == 0 && (found.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

}  // namespace

Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::load(const TlsFiles& files, Use use) {
  std::shared_ptr<TlsContext> made{new TlsContext};
  ERR_clear_error();
  if (auto taken = made->take(files, use); !taken) return taken.error();
  return std::shared_ptr<const TlsContext>{std::move(made)};
}

Result<void, std::string> TlsContext::take(const TlsFiles& files, Use use) {
  const bool server = use == Use::server || use == Use::mutual_server;
  context_ = {SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()), SSL_CTX_free};
  auto* const context = context_.get();
  if (!context) return "TLS: " + library_says();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // A peer that goes without a goodbye is one that has gone: requests and streams have their own ends.
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // An idle connection holds no buffers, as an idle session (docs/design.md 2).
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // one call for what has arrived, in place of two for each record
  // A key with a pass phrase: nobody is there to be asked.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_set_cipher_list(context, ciphers_of_tls12) != 1) return "TLS: " + library_says();
  if (use != Use::any_server) {
    if (auto taken = take_certificate(files); !taken) return taken;
  }
  return take_authority(files.ca, use);
}

Result<void, std::string> TlsContext::take_certificate(const TlsFiles& files) {
  auto* const context = context_.get();
  if (auto read = can_be_read("tls-certificate", files.certificate); !read) return read;
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return fault("tls-certificate", files.certificate, library_says());
  }
  look_at_dates(files.certificate);
  if (auto read = can_be_read("tls-key", files.key); !read) return read;
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return fault("tls-key", files.key, library_says() + "; the certificate is " + files.certificate);
  }
  if (others_may_read(files.key)) {
    warnings_.push_back(fault("tls-key", files.key, "every user of this machine may read it; set its mode to 0600"));
  }
  return {};
}

Result<void, std::string> TlsContext::take_authority(const std::string& ca, Use use) {
  auto* const context = context_.get();
  if (use == Use::server || ca.empty()) return {};
  if (auto read = can_be_read("tls-ca", ca); !read) return read;
  if (SSL_CTX_load_verify_file(context, ca.c_str()) != 1) return fault("tls-ca", ca, library_says());
  if (use == Use::mutual_server) {
    auto* const names = SSL_load_client_CA_file(ca.c_str());
    if (!names) return fault("tls-ca", ca, library_says());
    SSL_CTX_set_client_CA_list(context, names);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

void TlsContext::look_at_dates(const std::string& file) {
  const auto* const certificate = SSL_CTX_get0_certificate(context_.get());
  const auto* const begin = X509_get0_notBefore(certificate);
  const auto* const end = X509_get0_notAfter(certificate);
  certificate_end_ = date_text(end);
  if (X509_cmp_current_time(end) < 0) {
    warnings_.push_back(fault("tls-certificate", file, "has expired: it was good until " + certificate_end_));
  } else if (X509_cmp_current_time(begin) > 0) {
    warnings_.push_back(fault("tls-certificate", file, "is not good before " + date_text(begin)));
  }
}

}  // namespace flare
