#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/net/task.h"
#include "flarei/map_store.h"

/// What the tests of flarei's effects share: a store and a log in memory, and waiting for a condition.
namespace flare::test {

class MemoryStore final : public MapStore {
 public:
  Result<void, StoreError> save(const NodeMap& map) override {
    if (fails) return StoreError{"no space left"};
    saved.push_back(map);
    return {};
  }
  bool fails = false;
  std::vector<NodeMap> saved;
};

class MemoryLog final : public Log {
 public:
  void write(Level, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

/// Runs the context until `condition` holds; false: not within `deadline`.
inline bool run_until(asio::io_context& context, const std::function<bool()>& condition,
                      std::chrono::milliseconds deadline = std::chrono::seconds{10}) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    if (context.stopped()) context.restart();
    context.run_one_for(std::chrono::milliseconds{5});
  }
  return true;
}

inline void run_for(asio::io_context& context, std::chrono::milliseconds time) {
  run_until(
      context, [] { return false; }, time);
}

}  // namespace flare::test
