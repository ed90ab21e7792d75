#pragma once

#include <string>
#include <string_view>

namespace flare::status {

/// The user and password of a file with the one line `user:password`; empty, and why in `error`: it is none.
[[nodiscard]] std::string read_login(const std::string& path, std::string& error);

/// A login (docs/security.md, Authentication) and the request behind it.
[[nodiscard]] std::string behind_login(std::string_view login, std::string_view request);

}  // namespace flare::status
