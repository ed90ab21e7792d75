#include "common/protocol/position.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "common/protocol/words.h"

namespace flare {
namespace {

std::optional<std::uint64_t> number_of(std::string_view word, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (word.empty() || error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string position_request(PartitionId partition, Epoch epoch, PositionAsked asked) {
  return fmt::format("position {} {}{}\r\n", raw(partition), raw(epoch),
                     asked == PositionAsked::leaving ? " leaving" : "");
}

std::optional<LogPosition> parse_position_answer(std::string_view line) {
  Words words{line};
  if (words.next() != "POSITION") return std::nullopt;
  const auto log_id = number_of(words.next(), 16);
  const auto epoch = number_of(words.next(), 10);
  const auto sequence = number_of(words.next(), 10);
  if (!log_id || !epoch || !sequence) return std::nullopt;
  return LogPosition{Epoch{*epoch}, Sequence{*sequence}};
}

}  // namespace flare
