#include "support/tls_files.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <utility>

namespace flare::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

constexpr long day_s = 24L * 60 * 60;

void expect(bool good, const char* what) {
  if (!good) throw std::runtime_error{std::string{"libcrypto: "} + what};
}

Key new_key(unsigned rsa_bits) {
  Key key{rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(rsa_bits), EVP_PKEY_free};
  expect(key != nullptr, "new key");
  return key;
}

void set_name(X509_NAME* to, const std::string& name) {
  expect(X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                                    -1, 0) == 1,
         "name");
}

void add_extension(X509* to, int kind, const char* text) {
  auto* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, text);
  expect(extension != nullptr, "extension");
  X509_add_ext(to, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate begin_certificate(const std::string& name, EVP_PKEY* key, int days) {
  static long serial = 1;
  Certificate made{X509_new(), X509_free};
  expect(made != nullptr, "new certificate");
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -1000 * day_s);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), days * day_s);
  X509_set_pubkey(made.get(), key);
  set_name(X509_get_subject_name(made.get()), name);
  return made;
}

// Beside, then renamed: a daemon may read it at this moment.
template <class Write>
void write_pem(const std::filesystem::path& path, const Write& write) {
  auto beside = path;
  beside += ".new";
  {
    const File file{std::fopen(beside.c_str(), "w"), std::fclose};
    expect(file != nullptr && write(file.get()) == 1, "write");
  }
  ::chmod(beside.c_str(), 0600);
  std::filesystem::rename(beside, path);
}

}  // namespace

struct TlsAuthority::Made {
  Key key;
  Certificate certificate;
};

TlsAuthority::TlsAuthority(std::filesystem::path folder, std::string name)
    : folder_{std::move(folder)}, file_{folder_ / (name + ".ca.pem")} {
  auto key = new_key(0);
  auto certificate = begin_certificate("authority " + name, key.get(), 1000);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  expect(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0, "sign");
  write_pem(file_, [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
  made_ = new Made{std::move(key), std::move(certificate)};
}

TlsAuthority::~TlsAuthority() { delete made_; }

TlsAuthority::Pair TlsAuthority::issue(const std::string& name, int days, unsigned rsa_bits) {
  const auto key = new_key(rsa_bits);
  const auto certificate = begin_certificate(name, key.get(), days);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(made_->certificate.get()));
  add_extension(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  expect(X509_sign(certificate.get(), made_->key.get(), EVP_sha256()) > 0, "sign");
  Pair pair{folder_ / (name + ".pem"), folder_ / (name + ".key")};
  write_pem(pair.key, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  write_pem(pair.certificate, [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
  return pair;
}

}  // namespace flare::test
