#include "common/daemon/auth_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "common/base/config_file.h"
#include "common/base/digest.h"

namespace flare {

Result<AuthFile, std::string> AuthFile::read(const std::string& path) {
  auto text = read_config_file(path);
  if (!text) return fmt::format("option 'auth-file': {}: {}", path, text.error().reason);
  auto users = UserTable::parse(*text);
  wipe(*text);
  if (!users) {
    const auto& error = users.error();
    if (error.line == 0) return fmt::format("option 'auth-file': {} {}", path, error.reason);
    return fmt::format("option 'auth-file': {}: line {} {}", path, error.line, error.reason);
  }
  AuthFile file{std::move(*users), std::nullopt};
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & S_IRWXO) != 0) {
    file.warning = fmt::format("{} (option auth-file) is open to every account of this machine: chmod o-rwx it", path);
  }
  return file;
}

std::optional<UserTable> AuthFile::reread(const std::string& path, Log& log) {
  auto file = read(path);
  if (!file) {
    log.error("SIGHUP: {}; the former users stay in force", file.error());
    return std::nullopt;
  }
  if (file->warning) log.warning("{}", *file->warning);
  log.notice("SIGHUP: {} users read from {}", file->users.size(), path);
  return std::move(file->users);
}

}  // namespace flare
