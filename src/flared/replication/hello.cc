#include "flared/replication/hello.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/base/limits.h"
#include "flared/replication/header_words.h"
#include "flared/replication/history.h"

namespace flare {

namespace {

constexpr std::uint64_t bandwidth_kb_s_max = 1'000'000'000;
constexpr std::size_t name_bytes_max = 64;
constexpr int partitions_max = 1024;  // cluster.md 2.2

using Kind = StartDecision::Kind;

EpochTable newest_rows(const EpochTable& epochs) {
  const auto surplus = epochs.size() > hello_epochs_max ? epochs.size() - hello_epochs_max : 0;
  return {epochs.begin() + static_cast<std::ptrdiff_t>(surplus), epochs.end()};
}

const EpochEnd* find_epoch(const EpochTable& epochs, Epoch epoch) {
  const auto found = std::find_if(epochs.begin(), epochs.end(), [&](const auto& end) { return end.epoch == epoch; });
  return found == epochs.end() ? nullptr : &*found;
}

// Whether the entry (epoch, sequence) is one of this history.
bool has_entry(const EpochTable& epochs, Epoch epoch, Sequence sequence) {
  Sequence before{0};
  for (const auto& end : epochs) {
    if (end.epoch == epoch) return before < sequence && sequence <= end.last;
    before = end.last;
  }
  return false;
}

// Rows older than the oldest of the other side may have been left out there (hello_epochs_max).
bool ended_epochs_agree(const EpochTable& slave, const EpochTable& source) {
  for (std::size_t i = 0; i + 1 < slave.size(); ++i) {
    if (slave[i].epoch < source.front().epoch) continue;
    const auto* same = find_epoch(source, slave[i].epoch);
    if (same == nullptr || same->last != slave[i].last) return false;
  }
  return std::all_of(source.begin(), source.end(), [&](const EpochEnd& end) {
    return end.epoch <= slave.front().epoch || end.epoch >= slave.back().epoch || find_epoch(slave, end.epoch);
  });
}

Epoch highest_epoch(const Position& position, const EpochTable& epochs) {
  return epochs.empty() ? position.epoch : std::max(position.epoch, epochs.back().epoch);
}

bool read_partition(HeaderWords& words, Hello& hello) {
  const auto partition = words.next_number<std::int32_t>();
  const auto partitions = words.next_number<int>();
  if (!partition || !partitions || *partitions < 1 || *partitions > partitions_max) return false;
  if (*partition < 0 || *partition >= *partitions) return false;
  hello.partition = PartitionId{*partition};
  hello.partitions = *partitions;
  return true;
}

// The last word.
bool read_node(HeaderWords& words, Hello& hello) {
  const auto name = words.next();
  if (name.find(':') == std::string_view::npos || !words.at_end()) return false;
  hello.slave = NodeKey{std::string{name}};
  return true;
}

}  // namespace

std::string format_epochs(const EpochTable& epochs) {
  std::string text;
  for (const auto& [epoch, last] : newest_rows(epochs)) {
    if (!text.empty()) text += ',';
    text += fmt::format("{}:{}", raw(epoch), raw(last));
  }
  return text.empty() ? "-" : text;
}

std::optional<EpochTable> parse_epochs(std::string_view word) {
  EpochTable epochs;
  if (word == "-") return epochs;
  while (true) {
    const auto row = word.substr(0, word.find(','));
    const auto colon = row.find(':');
    if (colon == std::string_view::npos || epochs.size() == hello_epochs_max) return std::nullopt;
    const auto epoch = HeaderWords::parse_number<std::uint64_t>(row.substr(0, colon));
    const auto last = HeaderWords::parse_number<std::uint64_t>(row.substr(colon + 1));
    if (!epoch || !last) return std::nullopt;
    const EpochEnd end{Epoch{*epoch}, Sequence{*last}};
    if (!epochs.empty() && (end.epoch <= epochs.back().epoch || end.last < epochs.back().last)) return std::nullopt;
    epochs.push_back(end);
    if (row.size() == word.size()) return epochs;
    word.remove_prefix(row.size() + 1);
  }
}

std::string format_hello(const Hello& hello) {
  return fmt::format("repl hello {} {} {:016x} {} {} {} {}", raw(hello.partition), hello.partitions,
                     raw(hello.position.log_id), raw(hello.position.epoch), raw(hello.position.sequence),
                     format_epochs(hello.epochs), hello.slave.text);
}

std::string format_import(PartitionId partition, int partitions, const NodeKey& importer) {
  return fmt::format("repl import {} {} {}", raw(partition), partitions, importer.text);
}

Result<Hello, std::string> parse_import(std::string_view line) {
  HeaderWords words{line};
  if (words.next() != "repl" || words.next() != "import") return std::string{"not a repl import"};
  Hello hello;
  if (!read_partition(words, hello)) return std::string{"repl import: bad partition"};
  if (!read_node(words, hello)) return std::string{"repl import: bad node name"};
  return hello;
}

std::string format_backup(const BackupRequest& request) {
  return fmt::format("repl backup {} {}", request.bandwidth_kb_s, request.name);
}

Result<BackupRequest, std::string> parse_backup(std::string_view line) {
  HeaderWords words{line};
  if (words.next() != "repl" || words.next() != "backup") return std::string{"not a repl backup"};
  const auto bandwidth_kb_s = words.next_number<std::uint64_t>();
  if (!bandwidth_kb_s || *bandwidth_kb_s > bandwidth_kb_s_max) return std::string{"repl backup: bad bandwidth"};
  const auto name = words.next();
  const auto good = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > name_bytes_max || !std::all_of(name.begin(), name.end(), good) || !words.at_end()) {
    return std::string{"repl backup: bad name"};
  }
  return BackupRequest{*bandwidth_kb_s, std::string{name}};
}

Result<Hello, std::string> parse_hello(std::string_view line) {
  HeaderWords words{line};
  if (words.next() != "repl" || words.next() != "hello") return std::string{"not a repl hello"};
  Hello hello;
  if (!read_partition(words, hello)) return std::string{"repl hello: bad partition"};
  const auto log_id = words.next_id<LogId>(16);
  const auto epoch = words.next_id<Epoch>();
  const auto sequence = words.next_id<Sequence>();
  if (!log_id || !epoch || !sequence) return std::string{"repl hello: bad position"};
  auto epochs = parse_epochs(words.next());
  if (!epochs) return std::string{"repl hello: bad epoch table"};
  if (!read_node(words, hello)) return std::string{"repl hello: bad node name"};
  hello.position = {*log_id, *epoch, *sequence};
  hello.epochs = std::move(*epochs);
  return hello;
}

StartDecision decide_start(const Hello& hello, const Position& own, const EpochTable& own_epochs,
                           bool log_reaches_back) {
  const auto& asked = hello.position;
  if (asked.log_id != own.log_id) return {Kind::snapshot, "another log-id"};
  // A slave of a later epoch would refuse our stream anyway: the map here is old.
  const auto highest = highest_epoch(own, own_epochs);
  if (highest_epoch(asked, hello.epochs) > highest) {
    return {Kind::refused, fmt::format("slave knows epoch {}, this node only epoch {}",
                                       raw(highest_epoch(asked, hello.epochs)), raw(highest))};
  }
  if (asked.sequence != Sequence{0}) {
    const auto source = rows_with_entries(own_epochs, own);
    const auto slave = rows_with_entries(hello.epochs, asked);
    if (!has_entry(source, asked.epoch, asked.sequence)) return {Kind::snapshot, "position not in this history"};
    if (slave.empty() || slave.back() != EpochEnd{asked.epoch, asked.sequence} || !ended_epochs_agree(slave, source)) {
      return {Kind::snapshot, "epoch tables differ"};
    }
  }
  if (!log_reaches_back) return {Kind::snapshot, "the log does not reach back"};
  return {Kind::resume, {}};
}

}  // namespace flare
