#include "support/tls_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace flare::test {
namespace {

int connect_to(const Address& address, Milliseconds limit) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(address.port);
  ::inet_pton(AF_INET, address.name.c_str(), &name.sin_addr);
  const auto ms = limit.count();
  const timeval wait{ms / 1000, (ms % 1000) * 1000};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return descriptor;
  const std::string reason = std::strerror(errno);
  ::close(descriptor);
  throw std::runtime_error{"connect " + key_of(address) + ": " + reason};
}

[[noreturn]] void fail(const std::string& what) {
  const auto code = ERR_get_error();
  const auto* const reason = ERR_reason_error_string(code);
  throw std::runtime_error{what + ": " + (reason ? reason : "closed, or nothing came in time")};
}

}  // namespace

struct TlsClient::Parts {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, SSL_free};
  int descriptor = -1;
  ~Parts() {
    ssl.reset();
    if (descriptor >= 0) ::close(descriptor);
  }
};

TlsClient::TlsClient(const Address& address, const TlsTrust& trust, Milliseconds limit) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  ERR_clear_error();
  auto parts = std::make_unique<Parts>();
  auto* const context = parts->context.get();
  if (!trust.ca.empty()) {
    if (SSL_CTX_load_verify_file(context, trust.ca.c_str()) != 1) fail("ca");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (!trust.own.key.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context, trust.own.certificate.c_str()) != 1) fail("certificate");
    if (SSL_CTX_use_PrivateKey_file(context, trust.own.key.c_str(), SSL_FILETYPE_PEM) != 1) fail("key");
  }
  parts->descriptor = connect_to(address, limit);
  parts->ssl.reset(SSL_new(context));
  SSL_set_fd(parts->ssl.get(), parts->descriptor);
  if (SSL_connect(parts->ssl.get()) != 1) fail("handshake");
  parts_ = parts.release();
}

TlsClient::~TlsClient() { delete parts_; }

void TlsClient::send(std::string_view bytes) {
  if (SSL_write(parts_->ssl.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) fail("send");
}

void TlsClient::receive() {
  std::array<char, 32 * 1024> bytes;
  ERR_clear_error();
  const int n = SSL_read(parts_->ssl.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (n <= 0) fail("read");
  buffer_.append(bytes.data(), static_cast<std::size_t>(n));
}

std::string TlsClient::read_line() {
  auto end = buffer_.find("\r\n");
  for (; end == std::string::npos; end = buffer_.find("\r\n")) receive();
  auto line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

std::string TlsClient::read_exactly(std::size_t bytes) {
  while (buffer_.size() < bytes) receive();
  auto read = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return read;
}

std::string TlsClient::ask(std::string_view line) {
  send(std::string{line} + "\r\n");
  return read_line();
}

bool TlsClient::ends_with_goodbye() {
  for (;;) {
    char byte = 0;
    ERR_clear_error();
    if (SSL_read(parts_->ssl.get(), &byte, 1) <= 0) break;
  }
  return (SSL_get_shutdown(parts_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::string TlsClient::server_name() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{SSL_get1_peer_certificate(parts_->ssl.get()),
                                                                X509_free};
  std::array<char, 256> text{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, text.data(), text.size());
  return text.data();
}

}  // namespace flare::test
