#include "common/base/config_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>

#include "common/base/printable.h"

namespace flare {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";  // CRLF files are accepted
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The line number is the caller's to fill in.
Result<std::optional<ConfigEntry>, ConfigError> parse_line(std::string_view line) {
  const auto content = trimmed(line.substr(0, line.find('#')));  // a comment may begin anywhere
  if (content.empty()) return std::optional<ConfigEntry>{};
  if (content.find('\0') != std::string_view::npos) return ConfigError{0, "the line contains a NUL byte"};
  if (content.front() == '[') return ConfigError{0, "sections are not supported, remove '" + printable(content) + "'"};
  const auto equals = content.find('=');
  if (equals == std::string_view::npos) {
    return ConfigError{0, "'" + printable(content) + "' is not of the form 'name = value'"};
  }
  const auto name = trimmed(content.substr(0, equals));
  if (name.empty()) return ConfigError{0, "the option's name is missing before '='"};
  return std::optional(ConfigEntry{std::string(name), std::string(trimmed(content.substr(equals + 1))), 0});
}

}  // namespace

Result<std::vector<ConfigEntry>, ConfigError> parse_config_text(std::string_view text) {
  std::vector<ConfigEntry> entries;
  std::map<std::string, int, std::less<>> line_of;
  for (int line = 1; !text.empty(); ++line) {
    const auto end = text.find('\n');
    auto entry = parse_line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!entry) return ConfigError{line, entry.error().reason};
    if (!*entry) continue;
    (*entry)->line = line;
    const auto [earlier, is_new] = line_of.emplace((*entry)->name, line);
    if (!is_new) {
      return ConfigError{line, "option '" + printable((*entry)->name) + "': given twice, first in line " +
                                   std::to_string(earlier->second) + "; remove one of them"};
    }
    entries.push_back(std::move(**entry));
  }
  return entries;
}

Result<std::string, ConfigError> read_config_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return ConfigError{0, std::strerror(errno)};
  if (S_ISDIR(status.st_mode)) return ConfigError{0, "is a directory, name the file in it"};
  if (!S_ISREG(status.st_mode)) return ConfigError{0, "is not a regular file"};
  if (static_cast<std::size_t>(status.st_size) > config_bytes_max) return ConfigError{0, "is larger than 1 MiB"};
  std::ifstream file(path, std::ios::binary);
  if (!file) return ConfigError{0, std::strerror(errno)};
  std::string text(config_bytes_max, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return ConfigError{0, std::strerror(errno)};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace flare
