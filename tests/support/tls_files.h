#pragma once

#include <filesystem>
#include <string>

namespace flare::test {

/// An authority of the test's own and certificates of it, all files of one folder, made with libcrypto (ECDSA P-256).
class TlsAuthority {
 public:
  /// `folder/name.ca.pem` is the authority's certificate.
  TlsAuthority(std::filesystem::path folder, std::string name);
  ~TlsAuthority();
  TlsAuthority(const TlsAuthority&) = delete;
  TlsAuthority& operator=(const TlsAuthority&) = delete;

  struct Pair {
    std::filesystem::path certificate{};
    std::filesystem::path key{};
  };
  /// `folder/name.pem` and `folder/name.key`, in place of older ones. `days`: negative, expired so long ago.
  Pair issue(const std::string& name, int days = 30, unsigned rsa_bits = 0);
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  struct Made;
  std::filesystem::path folder_;
  std::filesystem::path file_;
  Made* made_;
};

}  // namespace flare::test
