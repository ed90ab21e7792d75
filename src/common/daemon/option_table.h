#pragma once

#include <fmt/format.h>

#include <chrono>
#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/daemon/command_line.h"
#include "common/daemon/common_options.h"
#include "common/daemon/option_text.h"

/// One row for each option: how it is written and which member it sets. Both daemons read their options through these.
namespace flare {

/// Why a text is refused; nullopt: it is taken.
using Reason = std::optional<std::string>;

enum class Apply { at_start, on_reload };  // on_reload: changed by SIGHUP (daemons.md 2.5)
enum class Effect {
  present,
  later,
  none_here
};  // later: accepted, the feature comes; none_here: nothing to set in ours

/// How a text becomes a member of `Options` and back.
template <class Options>
struct Binding {
  std::function<Reason(Options&, std::string_view)> set;
  std::function<std::string(const Options&)> show;
  std::function<void(Options& to, const Options& from)> copy;
};

template <class Options>
struct OptionRow {
  OptionName name;
  Apply apply = Apply::at_start;
  Effect effect = Effect::present;
  Binding<Options> binding;
};

template <class Options>
using OptionTable = std::vector<OptionRow<Options>>;

namespace option {

template <class Options, class Owner, class Member>
std::function<void(Options&, const Options&)> copy_of(Member Owner::*member) {
  return [member](Options& to, const Options& from) { to.*member = from.*member; };
}

inline Reason out_of_range(std::string_view low, std::string_view high) {
  return fmt::format("must be a number from {} to {}", low, high);
}

template <class Options, class Owner, std::integral Number>
Binding<Options> number(Number Owner::*member, std::type_identity_t<Number> low, std::type_identity_t<Number> high) {
  return {[=](Options& options, std::string_view text) -> Reason {
            const auto value = parse_integer<Number>(text);
            if (!value || *value < low || *value > high) return out_of_range(std::to_string(low), std::to_string(high));
            options.*member = *value;
            return std::nullopt;
          },
          [=](const Options& options) { return std::to_string(options.*member); }, copy_of<Options>(member)};
}

/// A whole number of the member's unit, which the option's help names.
template <class Options, class Owner, class Period>
Binding<Options> duration(std::chrono::duration<std::int64_t, Period> Owner::*member, std::int64_t low,
                          std::int64_t high) {
  return {[=](Options& options, std::string_view text) -> Reason {
            const auto value = parse_integer<std::int64_t>(text);
            if (!value || *value < low || *value > high) return out_of_range(std::to_string(low), std::to_string(high));
            options.*member = std::chrono::duration<std::int64_t, Period>(*value);
            return std::nullopt;
          },
          [=](const Options& options) { return std::to_string((options.*member).count()); }, copy_of<Options>(member)};
}

template <class Options, class Owner, std::unsigned_integral Number>
Binding<Options> bytes(Number Owner::*member, std::uint64_t low, std::uint64_t high) {
  return {[=](Options& options, std::string_view text) -> Reason {
            const auto value = parse_bytes(text);
            if (!value || *value < low || *value > high) {
              return fmt::format("must be a size from {} to {} (K, M, G allowed)", bytes_text(low), bytes_text(high));
            }
            options.*member = static_cast<Number>(*value);
            return std::nullopt;
          },
          [=](const Options& options) { return bytes_text(options.*member); }, copy_of<Options>(member)};
}

template <class Options, class Owner>
Binding<Options> boolean(bool Owner::*member) {
  return {[=](Options& options, std::string_view text) -> Reason {
            const auto value = parse_boolean(text);
            if (!value) return "must be one of true, yes, on, 1, false, no, off, 0";
            options.*member = *value;
            return std::nullopt;
          },
          [=](const Options& options) { return options.*member ? "true" : "false"; }, copy_of<Options>(member)};
}

/// Text that `check` takes; nullptr: any.
template <class Options, class Owner>
Binding<Options> text(std::string Owner::*member, Reason (*check)(std::string_view) = nullptr) {
  return {[=](Options& options, std::string_view given) -> Reason {
            if (check) {
              if (auto reason = check(given)) return reason;
            }
            options.*member = given;
            return std::nullopt;
          },
          [=](const Options& options) { return options.*member; }, copy_of<Options>(member)};
}

/// One word of a list.
template <class Options, class Owner, class Value>
Binding<Options> choice(Value Owner::*member, std::vector<std::pair<std::string, Value>> words) {
  return {[=](Options& options, std::string_view given) -> Reason {
            std::string listed;
            for (const auto& [word, value] : words) {
              if (word == given) {
                options.*member = value;
                return std::nullopt;
              }
              listed += (listed.empty() ? "" : ", ") + word;
            }
            return (words.size() == 1 ? "must be " : "must be one of ") + listed;
          },
          [=](const Options& options) {
            for (const auto& [word, value] : words) {
              if (options.*member == value) return word;
            }
            return std::string();
          },
          copy_of<Options>(member)};
}

}  // namespace option

template <class Options>
std::vector<OptionName> names_of(const OptionTable<Options>& table) {
  std::vector<OptionName> names;
  const Options defaults;
  for (const auto& row : table) {
    names.push_back(row.name);
    if (row.binding.show) names.back().shown_default = row.binding.show(defaults);
  }
  return names;
}

template <class Options>
const OptionRow<Options>* find_row(const OptionTable<Options>& table, std::string_view name) {
  for (const auto& row : table) {
    if (row.name.name == name) return &row;
  }
  return nullptr;
}

/// Sets what is given: the file first, then the command line over it. Values of the file are checked even where the
/// command line hides them.
template <class Options>
std::optional<StartFailure> apply_given(const OptionTable<Options>& table, std::string_view program,
                                        const GivenOptions& given, Options& options) {
  for (const auto* source : {&given.file, &given.command_line}) {
    for (const auto& option : *source) {
      const auto* row = find_row(table, option.name);
      if (!row || !row->binding.set) continue;  // help and version set nothing
      if (const auto reason = row->binding.set(options, option.value)) {
        return StartFailure{ExitCode::configuration, option_message(program, given.config_path, option, *reason)};
      }
    }
  }
  return std::nullopt;
}

template <class Options>
std::vector<std::string> names_without_effect(const OptionTable<Options>& table, const Options& options) {
  std::vector<std::string> names;
  const Options defaults;
  for (const auto& row : table) {
    if (row.effect == Effect::present || !row.binding.show) continue;
    if (row.binding.show(options) != row.binding.show(defaults)) names.push_back(row.name.name);
  }
  return names;
}

/// All options that a config file may have, with the values in force.
template <class Options>
std::vector<std::pair<std::string, std::string>> shown(const OptionTable<Options>& table, const Options& options) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& row : table) {
    if (row.name.place == OptionPlace::both && row.binding.show)
      lines.emplace_back(row.name.name, row.binding.show(options));
  }
  return lines;
}

}  // namespace flare
