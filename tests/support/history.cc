#include "support/history.h"

#include <fmt/format.h>

#include <algorithm>

namespace flare::test {
namespace {

constexpr std::size_t shown_bytes_max = 40;

std::string shown(const std::string& value) { return value.substr(0, shown_bytes_max); }

std::string question_of(const Operation& operation) {
  switch (operation.action) {
    case Action::get:
      return "get";
    case Action::set:
      return "set " + shown(operation.value);
    case Action::add:
      return "add " + shown(operation.value);
    case Action::cas:
      return fmt::format("cas {} in place of {}", shown(operation.value), shown(operation.expected));
    case Action::incr:
      return fmt::format("incr by {}", operation.by);
    case Action::remove:
      return "delete";
  }
  return {};
}

std::string answer_of(const Operation& operation) {
  switch (operation.told) {
    case Told::unknown:
      return "unknown " + operation.answer;
    case Told::not_done:
      return "not done: " + operation.answer;
    case Told::done:
      return "done";
    case Told::number:
    case Told::value:
      return shown(operation.answer);
    case Told::absent:
      return "absent";
    case Told::refused:
      return operation.action == Action::cas ? "EXISTS" : "NOT_STORED";
  }
  return {};
}

double milliseconds(Moment since, Moment origin) { return static_cast<double>(since - origin) / 1e6; }

}  // namespace

Moment moment_now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

std::string to_text(const Operation& operation) {
  return fmt::format("client {} {}: {}", operation.client, question_of(operation), answer_of(operation));
}

std::string to_text(const std::vector<Operation>& operations, Moment origin) {
  std::string text;
  for (const auto& operation : operations) {
    text += fmt::format("  {:>10.3f} to {:>10.3f}  at {}  {}", milliseconds(operation.start, origin),
                        milliseconds(operation.end, origin), operation.node, to_text(operation));
    if (const auto& since = operation.may_show_since) {
      text += fmt::format("  (may show the past, since {:.3f})", milliseconds(*since, origin));
    }
    text += '\n';
  }
  return text;
}

History by_key(const std::vector<std::vector<Operation>>& of_clients) {
  History history;
  for (const auto& operations : of_clients) {
    for (const auto& operation : operations) history[operation.key].push_back(operation);
  }
  for (auto& [key, operations] : history) {
    std::stable_sort(operations.begin(), operations.end(),
                     [](const Operation& one, const Operation& other) { return one.start < other.start; });
  }
  return history;
}

}  // namespace flare::test
