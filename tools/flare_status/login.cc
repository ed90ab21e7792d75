#include "flare_status/login.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace flare::status {
namespace {

constexpr std::size_t login_bytes_max = 511;  // of a name and a password of 255 each

}  // namespace

std::string read_login(const std::string& path, std::string& error) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line)) {
    error = fmt::format("{}: {}", path, file.is_open() ? "is empty" : std::strerror(errno));
    return {};
  }
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string::npos || colon + 1 == line.size() || line.size() > login_bytes_max) {
    error = path + ": its first line is not of the form user:password";
    return {};
  }
  line[colon] = ' ';
  return line;
}

std::string behind_login(std::string_view login, std::string_view request) {
  return fmt::format("set login 0 0 {}\r\n{}\r\n{}", login.size(), login, request);
}

}  // namespace flare::status
