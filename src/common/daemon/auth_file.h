#pragma once

#include <optional>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/protocol/user_table.h"

namespace flare {

/// What option auth-file names, read as a whole. It is read at the start and again by SIGHUP.
struct AuthFile {
  UserTable users;
  std::optional<std::string> warning;  // of a file that others may read

  /// The error is a sentence that names option, file and line, and tells no secret.
  static Result<AuthFile, std::string> read(const std::string& path);
  /// By SIGHUP, told in the log. nullopt: a file with one error changes nothing, the former users stay in force.
  static std::optional<UserTable> reread(const std::string& path, Log& log);
};

}  // namespace flare
