#pragma once

#include <string>
#include <string_view>

#include "support/deadline.h"
#include "support/text_client.h"
#include "support/tls_files.h"

namespace flare::test {

/// What a client of TLS takes and shows; empty: any certificate is taken, none is shown.
struct TlsTrust {
  std::filesystem::path ca{};
  TlsAuthority::Pair own{};
};

/// A client that speaks TLS, driven by OpenSSL on a socket that blocks. Failures throw std::runtime_error, those of the
/// handshake with the library's reason.
class TlsClient {
 public:
  /// Made with the handshake. A server that refuses the client's certificate shows that at the first read only.
  explicit TlsClient(const Address& address, const TlsTrust& trust = {}, Milliseconds limit = usual_limit);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  void send(std::string_view bytes);
  [[nodiscard]] std::string read_line();
  [[nodiscard]] std::string read_exactly(std::size_t bytes);
  [[nodiscard]] std::string ask(std::string_view line);
  /// Reads until the end; true if it came with the goodbye of TLS.
  [[nodiscard]] bool ends_with_goodbye();
  /// Of the server's certificate: its name.
  [[nodiscard]] std::string server_name() const;

 private:
  struct Parts;
  void receive();

  Parts* parts_;
  std::string buffer_;
};

}  // namespace flare::test
