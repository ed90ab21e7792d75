#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/protocol/command_class.h"

/// Who may ask what by name and password (docs/security.md, Authentication). Pure.
namespace flare {

enum class UserRole : std::uint8_t { ro, rw, admin };

/// ro: read; rw: read and data; admin: all but cluster.
AccessClasses classes_of(UserRole role);
/// What users can prove at all.
constexpr AccessClasses users_prove = AccessClass::read | AccessClass::data | AccessClass::admin;

struct User {
  std::string name;
  std::string secret;  // the password, or its hash; never shown
  UserRole role = UserRole::rw;

  bool has_hash() const { return secret.front() == '$'; }
  bool operator==(const User&) const = default;
};

namespace user_limits {
constexpr std::size_t users_max = 1000;
constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t password_bytes_max = 255;  // as memcached's
constexpr std::size_t secret_bytes_max = 512;    // of a hash
constexpr std::size_t file_bytes_max = std::size_t{1} << 20;
}  // namespace user_limits

struct UserTableError {
  int line = 0;
  std::string reason;  // the end of a sentence; tells no secret
  bool operator==(const UserTableError&) const = default;
};

class UserTable {
 public:
  /// memcached's `-Y` form, a line for each user: `user:password`, here with a role behind: `user:password[:role]`.
  static Result<UserTable, UserTableError> parse(std::string_view text);

  /// Null: there is none. It stays alive when the table goes.
  std::shared_ptr<const User> find(std::string_view name) const;
  std::size_t size() const { return users_.size(); }
  /// A hash to spend time with for a name that has none; nullptr: no user of this table has one.
  const std::string* any_hash() const { return any_hash_ ? &any_hash_->secret : nullptr; }

 private:
  std::map<std::string, std::shared_ptr<const User>, std::less<>> users_;
  std::shared_ptr<const User> any_hash_;
};

/// What a client sends to prove who it is. Views of its request.
struct Credentials {
  std::string_view user;
  std::string_view password;
};
/// memcached's handshake: the data of a set, `user password`. nullopt: not of that form, or longer than any can be.
std::optional<Credentials> parse_login(std::string_view data);
/// SASL's PLAIN (RFC 4616): `[authzid] NUL user NUL password`. nobody acts for another: authzid is empty or the user.
std::optional<Credentials> parse_sasl_plain(std::string_view data);

}  // namespace flare
