#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/tls_files.h"
#include "common/daemon/command_line.h"
#include "common/daemon/common_options.h"
#include "common/daemon/door_prefix_options.h"
#include "common/daemon/option_table.h"
#include "common/protocol/door.h"
#include "common/protocol/user_table.h"

/// The options of doors (docs/security.md): `door.NAME.port` and the others have as many rows as there are NAMEs.
namespace flare {

constexpr std::size_t doors_max = 32;

Reason check_door_bind(std::string_view text);
Reason check_door_classes(std::string_view text);
Reason check_door_allow(std::string_view text);
std::string shown_list(const std::string& text);

/// NAME of `door.NAME.port`; nullopt: another option.
std::optional<std::string> door_name_of(std::string_view option);
/// A NAME that is none.
std::optional<StartFailure> refuse_door_names(std::string_view program, const GivenOptions& given);
/// What cannot be said of one option alone: a door without a port or classes, two doors in one place.
std::optional<StartFailure> finish_doors(std::string_view program, const GivenOptions& given,
                                         const CommonOptions& options);

/// The files of tls-certificate, tls-key and tls-ca.
TlsFiles tls_files(const CommonOptions& options);

/// The main door first, then the named ones in the order of their names. `options` have been checked. `by_users`: what
/// a user has to prove with option auth-file.
std::vector<Door> doors_of(const CommonOptions& options, AccessClasses by_users = users_prove);

/// One text of a named door; a door that is not there has empty ones.
template <class Options>
Binding<Options> door_text(std::string name, std::string DoorTexts::*member, Reason (*check)(std::string_view)) {
  return {[=](Options& options, std::string_view text) -> Reason {
            if (auto reason = check(text)) return reason;
            options.doors[name].*member = text;
            return std::nullopt;
          },
          [=](const Options& options) {
            const auto found = options.doors.find(name);
            return found == options.doors.end() ? std::string{} : found->second.*member;
          },
          [=](Options& to, const Options& from) { to.doors.at(name).*member = from.doors.at(name).*member; }};
}

template <class Options>
Binding<Options> door_port(std::string name) {
  return {[=](Options& options, std::string_view text) -> Reason {
            const auto port = parse_integer<int>(text);
            if (!port || *port < 1 || *port > 65'535) return option::out_of_range("1", "65535");
            options.doors[name].port = *port;
            return std::nullopt;
          },
          [=](const Options& options) {
            const auto found = options.doors.find(name);
            return found == options.doors.end() ? std::string{} : std::to_string(found->second.port);
          },
          {}};
}

template <class Options>
Binding<Options> door_tls(std::string name) {
  return {[=](Options& options, std::string_view text) -> Reason {
            const auto value = parse_boolean(text);
            if (!value) return "must be one of true, yes, on, 1, false, no, off, 0";
            options.doors[name].tls = *value;
            return std::nullopt;
          },
          [=](const Options& options) {
            const auto found = options.doors.find(name);
            return found == options.doors.end() ? std::string{} : std::string{found->second.tls ? "true" : "false"};
          },
          {}};
}

/// `lists`: whether SIGHUP may change who comes in. A door that comes or goes needs a restart as a whole: half of its
/// options must never be in force.
template <class Options>
void append_door_rows(OptionTable<Options>& table, const std::string& name, Apply lists) {
  const auto row = [&](const char* what, Apply apply, Binding<Options> binding) {
    table.push_back({{"door." + name + what, "", OptionKind::value, OptionPlace::both, "", ""},
                     apply,
                     Effect::present,
                     std::move(binding)});
  };
  row(".port", Apply::at_start, door_port<Options>(name));
  row(".bind", Apply::at_start, door_text<Options>(name, &DoorTexts::bind, check_door_bind));
  auto allow = door_text<Options>(name, &DoorTexts::allow, check_door_allow);
  allow.show = [name](const Options& options) {
    const auto found = options.doors.find(name);
    return found == options.doors.end() ? std::string{} : shown_list(found->second.allow);
  };
  row(".allow", lists, std::move(allow));
  row(".classes", lists, door_text<Options>(name, &DoorTexts::classes, check_door_classes));
  row(".tls", Apply::at_start, door_tls<Options>(name));
  if constexpr (Options::serves_keys) append_key_prefix_rows(table, name, lists);
}

template <class Options>
OptionTable<Options> with_given_doors(OptionTable<Options> table, const GivenOptions& given) {
  std::set<std::string> names;
  for (const auto* source : {&given.file, &given.command_line}) {
    for (const auto& option : *source) {
      if (auto name = door_name_of(option.name)) names.insert(std::move(*name));
    }
  }
  for (const auto& name : names) append_door_rows(table, name, Apply::on_reload);
  return table;
}

/// The rows for all doors of either.
template <class Options>
OptionTable<Options> with_doors_of(OptionTable<Options> table, const Options& one, const Options& other) {
  for (const auto& [name, door] : one.doors) {
    append_door_rows(table, name, other.doors.contains(name) ? Apply::on_reload : Apply::at_start);
  }
  for (const auto& [name, door] : other.doors) {
    if (!one.doors.contains(name)) append_door_rows(table, name, Apply::at_start);
  }
  return table;
}

}  // namespace flare
