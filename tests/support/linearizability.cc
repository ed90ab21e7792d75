#include "support/linearizability.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <utility>

namespace flare::test {
namespace {

using Content = std::optional<std::string>;

constexpr Moment never = std::numeric_limits<Moment>::max();

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 20 && text.find_first_not_of("0123456789") == std::string::npos;
}

/// What an operation does to a key that holds `content`.
struct Effect {
  bool fits = false;  ///< its answer is what it would be told there
  Content after{};
};

Effect fits_if(bool fits, Content after) { return {fits, std::move(after)}; }

Effect effect_of(const Operation& operation, const Content& content) {
  const auto told = operation.told;
  const bool open = told == Told::unknown;
  switch (operation.action) {
    case Action::get:
      return fits_if(told == Told::absent ? !content : told == Told::value && content == operation.answer, content);
    case Action::set:
      return fits_if(open || told == Told::done, operation.value);
    case Action::add:
      if (content) return fits_if(told == Told::refused, content);
      return fits_if(open || told == Told::done, operation.value);
    case Action::cas:
      if (!content) return fits_if(told == Told::absent, content);
      if (content != operation.expected) return fits_if(told == Told::refused, content);
      return fits_if(open || told == Told::done, operation.value);
    case Action::incr: {
      if (!content) return fits_if(told == Told::absent, content);
      if (!is_number(*content)) return {};
      auto raised = std::to_string(std::stoull(*content) + operation.by);
      const bool fits = open || (told == Told::number && operation.answer == raised);
      return fits_if(fits, std::move(raised));
    }
    case Action::remove:
      if (!content) return fits_if(told == Told::absent, content);
      return fits_if(open || told == Told::done, std::nullopt);
  }
  return {};
}

/// Whether it takes effect in the same way whatever is there.
bool is_blind(const Operation& operation) { return operation.action == Action::set; }
bool is_open(const Operation& operation) { return operation.told == Told::unknown; }
Moment begin_of(const Operation& operation) { return operation.may_show_since.value_or(operation.start); }
Moment end_of(const Operation& operation) { return is_open(operation) ? never : operation.end; }

/// One state of the search: which operations have taken effect, and what the key holds then.
struct Configuration {
  std::vector<bool> placed;
  std::size_t count = 0;
  Content content;
  bool unused_guess = false;  // the last one placed was of unknown outcome, and nothing has shown it yet
};

class Search {
 public:
  Search(const std::vector<Operation>& operations, std::size_t limit) : operations_(operations), limit_(limit) {
    must_place_ = static_cast<std::size_t>(
        std::count_if(operations.begin(), operations.end(), [](const auto& one) { return !is_open(one); }));
  }

  Verdict run() {
    std::vector<Configuration> todo{{std::vector<bool>(operations_.size()), 0, std::nullopt, false}};
    while (!todo.empty()) {
      auto now = std::move(todo.back());
      todo.pop_back();
      place_what_shows_only(now);
      if (known_placed(now) == must_place_) return {};
      if (!seen_.insert(name_of(now)).second) continue;
      if (seen_.size() > limit_) return {Verdict::Kind::undecided, fmt::format("more than {} states", limit_)};
      if (!furthest_ || now.count > furthest_->count) furthest_ = now;
      push_next(todo, now);
    }
    return {Verdict::Kind::broken, reason()};
  }

 private:
  std::size_t known_placed(const Configuration& now) const {
    std::size_t known = 0;
    for (std::size_t at = 0; at < operations_.size(); ++at) known += now.placed[at] && !is_open(operations_[at]);
    return known;
  }

  // Who begins after this has to wait: something else must have taken effect before.
  Moment first_end(const Configuration& now) const {
    Moment first = never;
    for (std::size_t at = 0; at < operations_.size(); ++at) {
      if (!now.placed[at]) first = std::min(first, end_of(operations_[at]));
    }
    return first;
  }

  bool may_be_next(const Configuration& now, std::size_t at, Moment first) const {
    return !now.placed[at] && begin_of(operations_[at]) <= first;
  }

  // What leaves the key as it is and fits now is never better placed later.
  void place_what_shows_only(Configuration& now) const {
    for (bool placed = true; placed;) {
      placed = false;
      const auto first = first_end(now);
      for (std::size_t at = 0; at < operations_.size(); ++at) {
        if (is_open(operations_[at]) || !may_be_next(now, at, first)) continue;
        const auto effect = effect_of(operations_[at], now.content);
        if (!effect.fits || effect.after != now.content) continue;
        now.placed[at] = true;
        ++now.count;
        now.unused_guess = false;
        placed = true;
      }
    }
  }

  // The last one pushed is tried first: known ones, by their end, before guesses.
  void push_next(std::vector<Configuration>& todo, const Configuration& now) const {
    const auto first = first_end(now);
    std::vector<std::size_t> next;
    for (std::size_t at = 0; at < operations_.size(); ++at) {
      if (may_be_next(now, at, first)) next.push_back(at);
    }
    std::stable_sort(next.begin(), next.end(), [this](std::size_t one, std::size_t other) {
      return end_of(operations_[one]) > end_of(operations_[other]);
    });
    for (const auto at : next) {
      const auto& operation = operations_[at];
      if (now.unused_guess && is_blind(operation)) continue;  // the guess could as well not have been made
      auto effect = effect_of(operation, now.content);
      if (!effect.fits || (is_open(operation) && effect.after == now.content)) continue;
      auto& after = todo.emplace_back(now);
      after.placed[at] = true;
      ++after.count;
      after.content = std::move(effect.after);
      after.unused_guess = is_open(operation);
    }
  }

  std::string name_of(const Configuration& now) const {
    std::string name;
    name.reserve(now.placed.size() / 8 + 40);
    char byte = 0;
    for (std::size_t at = 0; at < now.placed.size(); ++at) {
      byte = static_cast<char>(byte | (now.placed[at] ? 1 << at % 8 : 0));
      if (at % 8 == 7 || at + 1 == now.placed.size()) name.push_back(std::exchange(byte, '\0'));
    }
    name.push_back(now.unused_guess ? 'g' : 's');
    return now.content ? name + "=" + *now.content : name;
  }

  std::string reason() const {
    if (!furthest_) return "no order at all";
    const auto first = first_end(*furthest_);
    auto text = fmt::format("the longest order ends after {} of {} with {}; none of these fits then:", furthest_->count,
                            operations_.size(), furthest_->content ? *furthest_->content : "nothing");
    for (std::size_t at = 0; at < operations_.size(); ++at) {
      const auto& operation = operations_[at];
      if (!is_open(operation) && may_be_next(*furthest_, at, first)) text += "\n    " + to_text(operation);
    }
    return text;
  }

  const std::vector<Operation>& operations_;
  const std::size_t limit_;
  std::size_t must_place_ = 0;
  std::unordered_set<std::string> seen_;
  std::optional<Configuration> furthest_;
};

// A get without an answer says nothing, nor does what surely was not done.
bool says_nothing(const Operation& operation) {
  return operation.told == Told::not_done || (operation.action == Action::get && operation.told == Told::unknown);
}

}  // namespace

Verdict check_linearizable(std::vector<Operation> operations, std::size_t limit) {
  std::erase_if(operations, says_nothing);
  std::stable_sort(operations.begin(), operations.end(),
                   [](const Operation& one, const Operation& other) { return begin_of(one) < begin_of(other); });
  return Search{operations, limit}.run();
}

std::string find_step_back(const std::vector<Operation>& reads, std::uint64_t (*number_of)(const std::string& value)) {
  std::vector<const Operation*> shown;
  for (const auto& read : reads) {
    if (read.action == Action::get && read.told == Told::value) shown.push_back(&read);
  }
  for (const auto* later : shown) {
    for (const auto* earlier : shown) {
      if (earlier->end < later->start && number_of(earlier->answer) > number_of(later->answer)) {
        return fmt::format("{} shows {}, and later {}", earlier->node, earlier->answer, later->answer);
      }
    }
  }
  return {};
}

}  // namespace flare::test
