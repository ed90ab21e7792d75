#pragma once

#include <string>

namespace flare {

/// Where a daemon's certificate is (docs/security.md, TLS): all PEM.
struct TlsFiles {
  std::string certificate;  // with the chain up to the authority
  std::string key;
  std::string ca;  // whose certificates are taken; empty: nobody's are asked for
  bool operator==(const TlsFiles&) const = default;
};

}  // namespace flare
