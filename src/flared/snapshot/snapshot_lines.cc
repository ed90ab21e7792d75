#include "flared/snapshot/snapshot_lines.h"

#include <fmt/format.h>

#include "flared/replication/header_words.h"
#include "flared/replication/stream_checksum.h"

namespace flare::snapshot {
namespace {

constexpr std::string_view head_word = "FLARE-SNAPSHOT";
constexpr std::string_view end_word = "FLARE-SNAPSHOT-END";
constexpr std::string_view line_end = "\r\n";
constexpr std::size_t word_bytes_max = 1024;

std::uint64_t checksum_of(std::string_view bytes) {
  stream::Checksum checksum;
  checksum.add(bytes);
  return checksum.value();
}

std::string_view or_dash(std::string_view word) { return word.empty() ? "-" : word; }

// A word that `or_dash` wrote; a second spelling of the same is not taken.
std::optional<std::string> known_word(std::string_view word) {
  if (word.empty() || word.size() > word_bytes_max) return std::nullopt;
  return std::string{word == "-" ? std::string_view{} : word};
}

}  // namespace

std::string format_head(const Head& head) {
  auto line =
      fmt::format("{} {} {} {} {} {} {} {}", head_word, format, or_dash(head.owner.cluster), or_dash(head.owner.tenant),
                  or_dash(head.node), raw(head.partition), head.partitions, head.taken_s);
  line += fmt::format(" {:016x}", checksum_of(line));
  line += line_end;
  return line;
}

Result<Head, std::string> parse_head(std::string_view line) {
  HeaderWords words{line};
  if (words.next() != head_word) return std::string{"is no snapshot: its first line does not say FLARE-SNAPSHOT"};
  const auto format_word = words.next();
  if (format_word != std::to_string(format)) {
    return fmt::format(
        "is a snapshot of format {}, and this version reads format {} only: use the version that wrote it",
        format_word.substr(0, 16), format);
  }
  auto cluster = known_word(words.next());
  auto tenant = known_word(words.next());
  auto node = known_word(words.next());
  const auto partition = words.next_id<PartitionId>();
  const auto partitions = words.next_number<int>();
  const auto taken_s = words.next_number<std::int64_t>();
  const auto checksum = words.next_number<std::uint64_t>(16);
  if (!cluster || !tenant || !node || !partition || !partitions || !taken_s || !checksum || !words.at_end()) {
    return std::string{"has a damaged first line"};
  }
  if (!cluster->empty() && !is_cluster_id(*cluster)) return std::string{"names no cluster id in its first line"};
  Head head{{std::move(*cluster), std::move(*tenant)}, std::move(*node), *partition, *partitions, *taken_s};
  const auto written = format_head(head);
  if (written.substr(0, written.size() - line_end.size()) != line) return std::string{"has a damaged first line"};
  return head;
}

std::string format_end(const End& end) {
  return fmt::format("{} {} {} {} {:016x}{}", end_word, raw(end.epoch), raw(end.sequence), end.entries, end.checksum,
                     line_end);
}

bool is_end(std::string_view line) { return line.starts_with(end_word); }

Result<End, std::string> parse_end(std::string_view line) {
  HeaderWords words{line};
  const auto word = words.next();
  const auto epoch = words.next_id<Epoch>();
  const auto sequence = words.next_id<Sequence>();
  const auto entries = words.next_number<std::uint64_t>();
  const auto checksum = words.next_number<std::uint64_t>(16);
  if (word != end_word || !epoch || !sequence || !entries || !checksum || !words.at_end()) {
    return std::string{"has a damaged last line"};
  }
  const End end{*epoch, *sequence, *entries, *checksum};
  const auto written = format_end(end);
  if (written.substr(0, written.size() - line_end.size()) != line) return std::string{"has a damaged last line"};
  return end;
}

}  // namespace flare::snapshot
