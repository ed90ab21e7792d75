#include "flare_bench/answer_checker.h"

namespace flare::bench {

void AnswerChecker::check(const Asked& asked, std::span<const AskedKey> keys, const Answer& answer, Tally& tally) {
  if (asked.sets) {
    ++tally.sets;
    check_set(keys.front(), answer, tally);
  } else {
    ++tally.gets;
    tally.keys_read += keys.size();
    check_get(keys, answer, tally);
  }
}

void AnswerChecker::give_up(const Asked& asked, std::span<const AskedKey> keys) {
  if (asked.sets) ledger_.end_set(keys.front().key, false);
}

void AnswerChecker::check_set(const AskedKey& key, const Answer& answer, Tally& tally) {
  ledger_.end_set(key.key, answer.stored);
  if (!answer.stored) tally.blame(&Tally::errors, answer.error);
}

void AnswerChecker::check_get(std::span<const AskedKey> keys, const Answer& answer, Tally& tally) {
  seen_.assign(keys.size(), false);
  std::size_t seen = 0;
  std::size_t likely = 0;  // nearly all servers answer in the order of the question
  for (const auto& found : answer.values) {
    const auto place = place_of(found, keys, likely);
    if (!place || seen_[*place]) {
      tally.blame(&Tally::wrong, (place ? "a value twice: " : "a value nobody asked for: ") + std::string{found.name});
      continue;
    }
    seen_[*place] = true;
    ++seen;
    likely = *place + 1;
    check_value(keys[*place], found.value, tally);
  }
  if (!answer.error.empty()) return tally.blame(&Tally::errors, answer.error);
  if (seen == keys.size()) return;
  std::string first;
  for (std::size_t place = keys.size(); place-- > 0;) {
    if (!seen_[place]) first.clear(), names_.append(share_.number_of(keys[place].key), first);
  }
  tally.blame(&Tally::missing, "no value for " + first, keys.size() - seen);
}

std::optional<std::size_t> AnswerChecker::place_of(const FoundValue& found, std::span<const AskedKey> keys,
                                                   std::size_t likely) const {
  const auto is_at = [&](std::size_t place) {
    return place < keys.size() && names_.is_name_of(found.name, share_.number_of(keys[place].key));
  };
  if (found.place) {
    const bool fits = *found.place < keys.size() && (found.name.empty() || is_at(*found.place));
    return fits ? std::optional<std::size_t>{*found.place} : std::nullopt;
  }
  for (std::size_t step = 0; step < keys.size(); ++step) {
    const auto place = (likely + step) % keys.size();
    if (is_at(place)) return place;
  }
  return std::nullopt;
}

void AnswerChecker::check_value(const AskedKey& key, std::string_view value, Tally& tally) {
  const auto number = share_.number_of(key.key);
  const auto seen = values_.generation_of(number, value);
  const auto verdict = seen ? ledger_.judge(key.key, key.generation, *seen) : Verdict::wrong;
  if (verdict == Verdict::right) return;
  std::string name;
  names_.append(number, name);
  if (verdict == Verdict::stale) return tally.blame(&Tally::stale, "an older value of " + name);
  tally.blame(&Tally::wrong, "a wrong value of " + name + ": " + std::string{value.substr(0, 100)});
}

}  // namespace flare::bench
