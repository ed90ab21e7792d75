#include "common/base/password_hash.h"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <memory>

#include "common/base/digest.h"

namespace flare {
namespace {

struct Method {
  std::string_view prefix;
  std::size_t digest_bytes;  // behind the last `$`
};
// crypt(5). Of others (bcrypt has no `$` before its digest) only the beginning is looked at.
constexpr std::array<Method, 6> methods{{
    {"$y$", 43},
    {"$gy$", 43},
    {"$7$", 43},
    {"$6$", 86},
    {"$5$", 43},
    {"$1$", 22},
}};

bool is_crypt_byte(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '.' ||
         byte == '/';
}

bool is_whole(std::string_view hash) {
  if (hash.starts_with("$2")) return hash.size() == 60;
  const auto method =
      std::find_if(methods.begin(), methods.end(), [hash](const Method& one) { return hash.starts_with(one.prefix); });
  if (method == methods.end()) return true;
  const auto digest = hash.substr(hash.rfind('$') + 1);
  return digest.size() == method->digest_bytes && std::all_of(digest.begin(), digest.end(), is_crypt_byte);
}

}  // namespace

std::optional<std::string> fault_of_hash(const std::string& hash) {
  const int salt = ::crypt_checksalt(hash.c_str());
  if (salt == CRYPT_SALT_INVALID) return "is of no method that crypt(3) knows here";
  if (salt == CRYPT_SALT_METHOD_DISABLED) return "is of a method that crypt(3) does not serve here";
  if (!is_whole(hash)) return "is not whole: its last part has not the length of a digest";
  return std::nullopt;
}

bool matches_hash(const std::string& password, const std::string& hash) {
  const auto room = std::make_unique<crypt_data>();  // 32 KB: not on a stack
  const char* made = ::crypt_r(password.c_str(), hash.c_str(), room.get());
  const bool same = made && same_secret(made, hash);
  *room = {};
  return same;
}

}  // namespace flare
