#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flared/replication/history.h"
#include "flared/storage/log_entry.h"

namespace flare::test {

/// A store as replication sees one: records, numbered entries, and how far the kernel has them.
struct ModelStore {
  struct Kept {
    LogEntry entry;
    std::string key;
    std::string data;
  };
  using Records = std::map<std::string, std::string>;

  LogId log_id{0};
  Epoch epoch{1};
  Position begin;           // where the log begins
  Records at_begin;         // the records there
  std::vector<Kept> log;    // after `begin`
  std::size_t written = 0;  // entries of `log` that the kernel has
  Records records;
  EpochTable epochs_at_begin;
  std::vector<std::string> corrected;  // keys of the last correction
  Sequence exact_at{0};                // where the log makes them exact

  static void change(Records& to, const Kept& kept) {
    if (kept.entry.kind == EntryKind::flush) return to.clear();
    if (kept.entry.kind == EntryKind::remove) {
      to.erase(kept.key);
    } else {
      to[kept.key] = kept.data;
    }
  }
  Position position() const {
    return log.empty() ? begin : Position{log_id, log.back().entry.epoch, log.back().entry.sequence};
  }
  Sequence written_sequence() const { return Sequence{raw(begin.sequence) + written}; }
  EpochTable epochs() const {
    auto table = epochs_at_begin;
    for (const auto& kept : log) {
      if (table.empty() || table.back().epoch < kept.entry.epoch) table.push_back({kept.entry.epoch, Sequence{0}});
      table.back().last = kept.entry.sequence;
    }
    return table;
  }
  void append(LogEntry entry) {
    Kept kept{entry, std::string{entry.key}, std::string{entry.data}};
    kept.entry.key = {};
    kept.entry.data = {};
    change(records, kept);
    log.push_back(std::move(kept));
  }
  void write(EntryKind kind, const std::string& key, const std::string& data) {
    LogEntry entry;
    entry.kind = kind;
    entry.epoch = epoch;
    entry.sequence = next(position().sequence);
    entry.key = key;
    entry.data = data;
    append(entry);
  }
  std::vector<std::string> inexact_keys() const {
    return position().sequence < exact_at ? corrected : std::vector<std::string>{};
  }
  // What the store would have to fetch if its log ended at `common`; nullopt: the log does not reach back.
  std::optional<std::vector<std::string>> keys_behind(const Position& common) const {
    if (common.sequence < begin.sequence) return std::nullopt;
    std::set<std::string> keys;
    for (auto& key : inexact_keys()) keys.insert(std::move(key));
    for (const auto& kept : log) {
      if (kept.entry.kind == EntryKind::flush) return std::nullopt;
      if (kept.entry.sequence > common.sequence) keys.insert(kept.key);
    }
    return std::vector<std::string>{keys.begin(), keys.end()};
  }
  // As Storage::correct: whole or not at all. An empty value: the source has none.
  void correct(const Position& common, Sequence exact, const std::map<std::string, std::string>& values) {
    for (const auto& [key, value] : values) {
      if (value.empty()) records.erase(key);
      if (!value.empty()) records[key] = value;
    }
    epochs_at_begin = rows_up_to(epochs(), common);
    begin = common;
    at_begin = records;
    log.clear();
    written = 0;
    corrected.clear();
    for (const auto& [key, value] : values) corrected.push_back(key);
    exact_at = exact;
  }
  void write_log() { written = log.size(); }
  // Entries may be forgotten up to a checkpoint: what is before is in `at_begin` only.
  void trim(std::size_t entries) {
    const auto epochs_before = epochs();
    for (std::size_t i = 0; i < entries; ++i) {
      change(at_begin, log[i]);
      begin = {log_id, log[i].entry.epoch, log[i].entry.sequence};
    }
    epochs_at_begin.clear();
    for (const auto& end : epochs_before) {
      if (end.epoch <= begin.epoch) epochs_at_begin.push_back({end.epoch, std::min(end.last, begin.sequence)});
    }
    log.erase(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(entries));
    written -= entries;
  }
  // kill -9: the library rolls back to the checkpoint and the log is applied again (design.md 3.4).
  void crash() {
    log.resize(written);
    records = at_begin;
    for (const auto& kept : log) change(records, kept);
  }
};

}  // namespace flare::test
