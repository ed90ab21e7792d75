#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

/// The config file's grammar (docs/spec/daemons.md 1.4): lines `name = value`. Pure.
namespace flare {

constexpr std::size_t config_bytes_max = std::size_t{1} << 20;

struct ConfigEntry {
  std::string name;
  std::string value;  // blanks around it cut, may be empty
  int line = 0;       // from 1
  bool operator==(const ConfigEntry&) const = default;
};

struct ConfigError {
  int line = 0;  // 0: the file itself
  std::string reason;
  bool operator==(const ConfigError&) const = default;
};

/// All lines, or the first that is none of: empty, comment, `name = value`. A name given twice is an error too.
Result<std::vector<ConfigEntry>, ConfigError> parse_config_text(std::string_view text);

/// The whole file, at most config_bytes_max. A directory is an error, not an empty file.
Result<std::string, ConfigError> read_config_file(const std::string& path);

}  // namespace flare
