#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flare::test {

/// Nanoseconds of the steady clock: comparable between the threads of one test.
using Moment = std::int64_t;
[[nodiscard]] Moment moment_now();

/// What a client asked of one key.
enum class Action { get, set, add, cas, incr, remove };

/// What it was told.
enum class Told {
  unknown,   ///< nothing, or that nobody knows: it takes effect once, at any later time, or never
  not_done,  ///< that it surely has no effect (proxy failure, too few replicas, ...)
  done,      ///< STORED, DELETED
  number,    ///< incr: `answer` is the new number
  value,     ///< get: `answer` is the value
  absent,    ///< NOT_FOUND, or a get without a value
  refused,   ///< NOT_STORED of add, EXISTS of cas
};

/// One request for one key and its answer.
struct Operation {
  int client = 0;
  Action action = Action::get;
  std::string key{};
  std::string value{};        ///< what set, add, cas would store
  std::string expected{};     ///< cas: the value that came with the version it names
  std::uint64_t by = 0;       ///< incr
  std::uint64_t version = 0;  ///< cas: the one it names; get: the one that was shown, if it asked for it
  Told told = Told::unknown;
  std::string answer{};
  Moment start = 0;  ///< before its first byte was sent
  Moment end = 0;    ///< after its answer was read; of an unknown one: when that was given up
  /// A get that may show the past: anything that was true since then. Else nothing: it is `start`.
  std::optional<Moment> may_show_since{};
  std::string node{};  ///< which it was asked of
};

/// `set k1 = v`, `get`, ...: what was asked and told, without times.
[[nodiscard]] std::string to_text(const Operation& operation);
/// The operations of one key in order, one on a line, times in milliseconds since `origin`.
[[nodiscard]] std::string to_text(const std::vector<Operation>& operations, Moment origin);

using History = std::map<std::string, std::vector<Operation>>;  // by key

/// The operations of many clients, by key, in the order of their starts.
[[nodiscard]] History by_key(const std::vector<std::vector<Operation>>& of_clients);

}  // namespace flare::test
