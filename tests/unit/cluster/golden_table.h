#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

/// Reads the tab-separated golden tables.
namespace flare::test {

using Row = std::vector<std::string>;

inline std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream{text};
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// All lines but the heading.
inline std::vector<Row> golden_rows(const std::string& file) {
  std::ifstream stream{std::string{FLARE_GOLDEN_DIR} + '/' + file};
  std::vector<Row> rows;
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) rows.push_back(split(line, '\t'));
  return rows;
}

inline std::string bytes_from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

}  // namespace flare::test
