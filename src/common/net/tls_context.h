#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/tls_files.h"

struct ssl_ctx_st;

namespace flare {

/// One way to speak TLS, with its certificate. Never changed: a new certificate is a new context, and connections keep
/// theirs. Safe from any thread.
class TlsContext {
 public:
  enum class Use : std::uint8_t {
    server,         // asks for no certificate
    mutual_server,  // lets nobody in without a certificate of the authority
    client,         // shows its certificate, and takes only the authority's
    any_server,     // a client without a certificate, which takes what it is shown; for tools
  };

  /// A failure is a sentence that names option, file and what the library says.
  static Result<std::shared_ptr<const TlsContext>, std::string> load(const TlsFiles& files, Use use);

  ssl_ctx_st* native() const { return context_.get(); }
  /// `2027-01-31T12:00:00Z`, when the certificate ends; empty: there is none.
  const std::string& certificate_end() const { return certificate_end_; }
  /// Sentences about what may be wrong with the files, though they can be used.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  TlsContext() = default;
  Result<void, std::string> take(const TlsFiles& files, Use use);
  Result<void, std::string> take_certificate(const TlsFiles& files);
  Result<void, std::string> take_authority(const std::string& ca, Use use);
  void look_at_dates(const std::string& file);

  std::shared_ptr<ssl_ctx_st> context_;
  std::string certificate_end_;
  std::vector<std::string> warnings_;
};

}  // namespace flare
