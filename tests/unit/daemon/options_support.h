#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "flared/options.h"
#include "flarei/options.h"
#include "support/temp_dir.h"

/// Parsing of both daemons' options alike, for tables that run over them.
namespace flare::test {

using Words = std::vector<std::string>;
using Shown = std::vector<std::pair<std::string, std::string>>;

template <class Options>
struct ParserOf;

template <>
struct ParserOf<FlareiOptions> {
  static constexpr auto name = "flarei";
  static Words required(const TempDir& folder) { return {"--data-dir=" + folder.path().string()}; }
  static auto parse(int argc, const char* const* argv) { return parse_flarei_options(argc, argv); }
  static auto reread(const FlareiOptions& in_force) { return reread_flarei_options(in_force); }
};

template <>
struct ParserOf<FlaredOptions> {
  static constexpr auto name = "flared";
  static Words required(const TempDir& folder) {
    return {"--data-dir=" + folder.path().string(), "--index-server-name=index"};
  }
  static auto parse(int argc, const char* const* argv) { return parse_flared_options(argc, argv); }
  static auto reread(const FlaredOptions& in_force) { return reread_flared_options(in_force); }
};

template <class Options>
Result<Options, StartFailure> parse(const Words& words) {
  std::vector<const char*> pointers{ParserOf<Options>::name};
  for (const auto& word : words) pointers.push_back(word.c_str());
  return ParserOf<Options>::parse(static_cast<int>(pointers.size()), pointers.data());
}

/// With what the daemon cannot do without, unless `words` name it themselves.
template <class Options>
Result<Options, StartFailure> parse_with_required(const TempDir& folder, Words words) {
  for (auto& word : ParserOf<Options>::required(folder)) {
    const auto name = word.substr(0, word.find('=') + 1);
    const auto same = [&](const std::string& given) { return given.starts_with(name); };
    if (std::none_of(words.begin(), words.end(), same)) words.push_back(std::move(word));
  }
  return parse<Options>(words);
}

inline std::string value_of(const Shown& shown, const std::string& name) {
  for (const auto& [key, value] : shown) {
    if (key == name) return value;
  }
  return "<no such option>";
}

}  // namespace flare::test
