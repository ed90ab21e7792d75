#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/daemon/common_rows.h"
#include "common/daemon/door_options.h"
#include "common/daemon/reread.h"

/// The way from words to checked options, the same for both daemons.
namespace flare {

template <class Options>
using Finish = std::optional<StartFailure> (*)(const GivenOptions& given, Options& options);

inline std::vector<std::string> words_after_name(int argc, const char* const* argv) {
  if (argc <= 1) return {};
  return {argv + 1, argv + argc};
}

/// `finish` checks what concerns several options of this daemon.
template <class Options>
Result<Options, StartFailure> parse_options(const OptionTable<Options>& table, std::string_view program,
                                            const std::vector<std::string>& words, Finish<Options> finish) {
  const auto given = read_options(program, names_of(table), words);
  if (!given) return given.error();
  Options options;
  options.command_line = words;
  if (auto failure = refuse_door_names(program, *given)) return *failure;
  if (auto failure = apply_given(with_given_doors(table, *given), program, *given, options)) return *failure;
  if (auto failure = finish_common(program, *given, options)) return *failure;
  if (auto failure = finish(*given, options)) return *failure;
  return options;
}

/// Takes over what SIGHUP may change from `fresh`, and names the rest.
template <class Options>
Reread<Options> merge_reread(const OptionTable<Options>& fixed_table, const Options& in_force, const Options& fresh) {
  Reread<Options> reread{in_force, {}, {}};
  for (const auto& row : with_doors_of(fixed_table, in_force, fresh)) {
    if (!row.binding.show || row.binding.show(in_force) == row.binding.show(fresh)) continue;
    if (row.apply == Apply::on_reload) {
      row.binding.copy(reread.options, fresh);
      reread.changed.push_back(row.name.name);
    } else {
      reread.need_restart.push_back(row.name.name);
    }
  }
  return reread;
}

/// The one warning about options whose feature is not here; none if all are.
inline std::vector<std::string> warning_about(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::string listed;
  for (const auto& name : names) listed += (listed.empty() ? "" : ", ") + name;
  return {"options accepted, but without effect in this version: " + listed};
}

}  // namespace flare
