#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Hashes of passwords by crypt(3): yescrypt, sha512crypt and what else libcrypt knows.
namespace flare {

/// An entry that begins so is a hash and no password.
constexpr char hash_mark = '$';

/// Why no password can ever match, as the end of a sentence about the hash; nullopt: it can. Pure.
std::optional<std::string> fault_of_hash(const std::string& hash);

/// Slow on purpose: for the blocking pool only.
bool matches_hash(const std::string& password, const std::string& hash);

}  // namespace flare
