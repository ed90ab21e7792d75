#include "common/protocol/user_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/password_hash.h"
#include "common/base/printable.h"

namespace flare {
namespace {

using namespace user_limits;

bool is_blank_or_control(char byte) { return static_cast<unsigned char>(byte) <= ' ' || byte == '\x7f'; }
bool is_control(char byte) { return static_cast<unsigned char>(byte) < ' ' || byte == '\x7f'; }

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && std::none_of(name.begin(), name.end(), is_blank_or_control);
}

bool good_password(std::string_view password) {
  return !password.empty() && std::none_of(password.begin(), password.end(), is_control);
}

std::optional<UserRole> role_of(std::string_view word) {
  if (word == "ro") return UserRole::ro;
  if (word == "rw") return UserRole::rw;
  if (word == "admin") return UserRole::admin;
  return std::nullopt;
}

// The reasons never repeat a piece of the line but the user's name: what stands elsewhere may be a password.
Result<std::shared_ptr<const User>, std::string> parse_user(std::string_view line) {
  const auto name_end = line.find(':');
  if (name_end == std::string_view::npos) return std::string{"is not of the form user:password[:role]"};
  const auto name = line.substr(0, name_end);
  if (!good_name(name)) {
    return fmt::format("needs a user of 1 to {} visible bytes without ':' at its beginning", name_bytes_max);
  }
  const auto shown = printable(name);
  const auto secret_end = line.find(':', name_end + 1);
  const auto secret =
      line.substr(name_end + 1, secret_end == std::string_view::npos ? secret_end : secret_end - name_end - 1);
  if (!good_password(secret)) return fmt::format("gives user '{}' no password, or one with control bytes", shown);
  User user{std::string{name}, std::string{secret}, UserRole::rw};
  if (secret.size() > (user.has_hash() ? secret_bytes_max : password_bytes_max)) {
    return fmt::format("gives user '{}' a password that is too long: at most {} bytes", shown, password_bytes_max);
  }
  if (secret_end != std::string_view::npos) {
    const auto role = role_of(line.substr(secret_end + 1));
    if (!role) {
      return fmt::format("must give user '{}' the role ro, rw or admin behind the second ':' (no password has a ':')",
                         shown);
    }
    user.role = *role;
  }
  const auto fault = user.has_hash() ? fault_of_hash(user.secret) : std::nullopt;
  if (fault) {
    return fmt::format("has a hash for user '{}' that {}; make one with: openssl passwd -6", shown, *fault);
  }
  return std::make_shared<const User>(std::move(user));
}

}  // namespace

AccessClasses classes_of(UserRole role) {
  switch (role) {
    case UserRole::ro:
      return AccessClass::read;
    case UserRole::rw:
      return AccessClass::read | AccessClass::data;
    case UserRole::admin:
      return users_prove;
  }
  return {};
}

Result<UserTable, UserTableError> UserTable::parse(std::string_view text) {
  if (text.size() > file_bytes_max) return UserTableError{0, fmt::format("has more than {} bytes", file_bytes_max)};
  UserTable table;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto parsed = parse_user(line);
    if (!parsed) return UserTableError{number, parsed.error()};
    const auto& user = *parsed;
    if (table.users_.contains(user->name)) {
      return UserTableError{number, fmt::format("names user '{}' a second time", printable(user->name))};
    }
    if (table.users_.size() >= users_max)
      return UserTableError{number, fmt::format("is user {}: at most {} may be", users_max + 1, users_max)};
    if (user->has_hash() && !table.any_hash_) table.any_hash_ = user;
    table.users_.emplace(user->name, user);
  }
  if (table.users_.empty()) return UserTableError{0, "names no user, so nobody could come in"};
  return table;
}

std::shared_ptr<const User> UserTable::find(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second;
}

std::optional<Credentials> parse_login(std::string_view data) {
  const auto space = data.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const Credentials given{data.substr(0, space), data.substr(space + 1)};
  if (!good_name(given.user) || !good_password(given.password)) return std::nullopt;
  return given.password.size() <= password_bytes_max ? std::optional{given} : std::nullopt;
}

std::optional<Credentials> parse_sasl_plain(std::string_view data) {
  const auto first = data.find('\0');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = data.find('\0', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto acts_for = data.substr(0, first);
  const Credentials given{data.substr(first + 1, second - first - 1), data.substr(second + 1)};
  if (!acts_for.empty() && acts_for != given.user) return std::nullopt;
  if (!good_name(given.user) || !good_password(given.password)) return std::nullopt;
  return given.password.size() <= password_bytes_max ? std::optional{given} : std::nullopt;
}

}  // namespace flare
