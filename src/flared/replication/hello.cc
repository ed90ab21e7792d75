#include "flared/replication/hello.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "common/base/limits.h"
#include "flared/replication/header_words.h"
#include "flared/replication/history.h"

namespace flare {

namespace {

constexpr std::uint64_t bandwidth_kb_s_max = 1'000'000'000;
constexpr std::size_t name_bytes_max = 64;
constexpr int partitions_max = 1024;  // cluster.md 2.2
constexpr std::string_view keys_word = "keys";

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

// Why the slave's position is not one of the source's history; empty: it is.
std::string_view difference(const EpochTable& slave, const Position& asked, const EpochTable& source) {
  if (!has_entry(source, asked.epoch, asked.sequence)) return "position not in this history";
  if (slave.empty() || slave.back() != EpochEnd{asked.epoch, asked.sequence} || !ended_epochs_agree(slave, source)) {
    return "epoch tables differ";
  }
  return {};
}

// Where the slave's log parts from the source's; nullopt: that cannot be told, or they have no entry in common.
std::optional<Position> parting_of(const Hello& hello, const EpochTable& slave, const Position& own,
                                   const EpochTable& source) {
  const auto found = divergence(hello.position, hello.epochs, own, source);
  const Position common{own.log_id, found.epoch, found.sequence};
  if (found.sequence > hello.position.sequence) return std::nullopt;  // no log is like that
  if (found.sequence == Sequence{0} || !difference(rows_up_to(slave, common), common, source).empty()) {
    return std::nullopt;
  }
  return common;
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

bool read_name(HeaderWords& words, Hello& hello) {
  const auto name = words.next();
  if (name.find(':') == std::string_view::npos) return false;
  hello.slave = NodeKey{std::string{name}};
  return true;
}

// The last word.
bool read_node(HeaderWords& words, Hello& hello) { return read_name(words, hello) && words.at_end(); }

std::optional<Position> read_position(HeaderWords& words) {
  const auto log_id = words.next_id<LogId>(16);
  const auto epoch = words.next_id<Epoch>();
  const auto sequence = words.next_id<Sequence>();
  if (!log_id || !epoch || !sequence || !words.at_end()) return std::nullopt;
  return Position{*log_id, *epoch, *sequence};
}

std::string position_text(const Position& position) {
  return fmt::format("{:016x} {} {}", raw(position.log_id), raw(position.epoch), raw(position.sequence));
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
  auto line = fmt::format("repl hello {} {} {:016x} {} {} {} {}", raw(hello.partition), hello.partitions,
                          raw(hello.position.log_id), raw(hello.position.epoch), raw(hello.position.sequence),
                          format_epochs(hello.epochs), hello.slave.text);
  if (hello.keys_due) fmt::format_to(std::back_inserter(line), " {}", keys_word);
  return line;
}

std::string format_import(const Hello& import) {
  auto line = fmt::format("repl import {} {} {}", raw(import.partition), import.partitions, import.slave.text);
  if (import.position != Position{}) line += " " + position_text(import.position);
  return line;
}

std::string format_handover(PartitionId partition, int partitions, const NodeKey& importer) {
  return fmt::format("repl handover {} {} {}", raw(partition), partitions, importer.text);
}

Result<Hello, std::string> parse_handover(std::string_view line) {
  HeaderWords words{line};
  if (words.next() != "repl" || words.next() != "handover") return std::string{"not a repl handover"};
  Hello hello;
  if (!read_partition(words, hello)) return std::string{"repl handover: bad partition"};
  if (!read_node(words, hello)) return std::string{"repl handover: bad node name"};
  return hello;
}

std::string format_handover_answer(const Position& position) { return "HANDOVER " + position_text(position); }

std::optional<Position> parse_handover_answer(std::string_view line) {
  HeaderWords words{line};
  if (words.next() != "HANDOVER") return std::nullopt;
  return read_position(words);
}

Result<Hello, std::string> parse_import(std::string_view line) {
  HeaderWords words{line};
  if (words.next() != "repl" || words.next() != "import") return std::string{"not a repl import"};
  Hello hello;
  if (!read_partition(words, hello)) return std::string{"repl import: bad partition"};
  if (!read_name(words, hello)) return std::string{"repl import: bad node name"};
  if (words.at_end()) return hello;
  const auto position = read_position(words);
  if (!position || position->log_id == LogId{0}) return std::string{"repl import: bad position"};
  hello.position = *position;
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
  if (!read_name(words, hello)) return std::string{"repl hello: bad node name"};
  hello.keys_due = !words.at_end();
  if (hello.keys_due && (words.next() != keys_word || !words.at_end())) {
    return std::string{"repl hello: bad last word"};
  }
  hello.position = {*log_id, *epoch, *sequence};
  hello.epochs = std::move(*epochs);
  return hello;
}

StartDecision decide_start(const Hello& hello, const Position& own, const EpochTable& own_epochs, bool log_reaches_back,
                           Epoch reign) {
  const auto& asked = hello.position;
  if (asked.log_id != own.log_id) return {Kind::snapshot, "another log-id"};
  // A slave of a later epoch would refuse our stream anyway: the map here is old.
  const auto highest = std::max(highest_epoch(own, own_epochs), reign);
  if (highest_epoch(asked, hello.epochs) > highest) {
    return {Kind::refused, fmt::format("slave knows epoch {}, this node only epoch {}",
                                       raw(highest_epoch(asked, hello.epochs)), raw(highest))};
  }
  const auto source = rows_with_entries(own_epochs, own);
  const auto slave = rows_with_entries(hello.epochs, asked);
  StartDecision decision{Kind::resume, {}, asked};
  if (asked.sequence != Sequence{0}) {
    decision.reason = difference(slave, asked, source);
    if (!decision.reason.empty()) {
      const auto common = parting_of(hello, slave, own, source);
      if (!common) return {Kind::snapshot, decision.reason};
      decision.kind = Kind::keys;
      decision.common = *common;
    }
  }
  if (!log_reaches_back) return {Kind::snapshot, "the log does not reach back"};
  if (decision.kind == Kind::resume && hello.keys_due) {
    decision.kind = Kind::keys;
    decision.reason = "keys that it has read are not exact yet";
  }
  return decision;
}

Sequence sequence_needed(const Hello& hello, const Position& own, const EpochTable& own_epochs) {
  const auto& asked = hello.position;
  if (asked.log_id != own.log_id || asked.sequence == Sequence{0}) return asked.sequence;
  return divergence(asked, hello.epochs, own, own_epochs).sequence;
}

}  // namespace flare
