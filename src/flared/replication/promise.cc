#include "flared/replication/promise.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "flared/replication/header_words.h"

namespace flare {

namespace {

std::string body_of(const Promise::Given& given) {
  return fmt::format("flare-promise 1 {} {}", raw(given.partition), raw(given.epoch));
}

}  // namespace

std::string Promise::refusal(const Given& asked, Epoch known, TimePoint now) const {
  if (asked.epoch <= known) {
    return fmt::format("epoch {} of partition {} is over: this node knows epoch {}", raw(asked.epoch),
                       raw(asked.partition), raw(known));
  }
  if (holds(now) && given_->partition == asked.partition && given_->epoch > asked.epoch) {
    return fmt::format("epoch {} of partition {} has been promised", raw(given_->epoch), raw(asked.partition));
  }
  return {};
}

void Promise::give(const Given& given, TimePoint now) {
  given_ = given;
  lapses_at_ = now + lapses_after;
}

void Promise::on_map(PartitionId partition, Epoch epoch) {
  if (given_ && (given_->partition != partition || epoch >= given_->epoch)) given_.reset();
}

std::string format_promise(const Promise::Given& given) {
  const auto body = body_of(given);
  return fmt::format("{} {:016x}\n", body, XXH3_64bits(body.data(), body.size()));
}

std::optional<Promise::Given> parse_promise(std::string_view text) {
  if (text.empty() || text.back() != '\n') return std::nullopt;
  HeaderWords words{text.substr(0, text.size() - 1)};
  if (words.next() != "flare-promise" || words.next() != "1") return std::nullopt;
  const auto partition = words.next_number<std::int32_t>();
  const auto epoch = words.next_id<Epoch>();
  if (!partition || *partition < 0 || !epoch) return std::nullopt;
  const Promise::Given given{PartitionId{*partition}, *epoch};
  if (format_promise(given) != text) return std::nullopt;
  return given;
}

}  // namespace flare
