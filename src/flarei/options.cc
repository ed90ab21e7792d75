#include "flarei/options.h"

#include <filesystem>

#include "common/daemon/parse_options.h"

namespace flare {
namespace {

constexpr std::string_view program = "flarei";

Reason check_index_db(std::string_view text) {
  constexpr std::string_view file_scheme = "file://";
  if (text.empty()) return {};
  if (text.starts_with("zookeeper://")) return "ZooKeeper is not supported by this version: use file:///<directory>";
  if (text.starts_with(file_scheme) && text.size() > file_scheme.size() && text[file_scheme.size()] == '/') return {};
  return "must be file:///<directory>";
}

OptionTable<FlareiOptions> own_rows() {
  using enum OptionKind;
  using O = FlareiOptions;
  constexpr auto both = OptionPlace::both;
  constexpr auto present = Effect::present;
  constexpr auto fixed = Apply::at_start;
  constexpr auto dynamic = Apply::on_reload;
  return {
      {{"monitor-threshold", "", value, both, "failed probes until a node is down", ""},
       dynamic,
       present,
       option::number<O>(&O::monitor_threshold, 1, 1000)},
      {{"monitor-interval", "", value, both, "seconds between probes", ""},
       dynamic,
       present,
       option::duration<O>(&O::monitor_interval, 1, 86'400)},
      {{"monitor-read-timeout", "", value, both, "milliseconds to wait for a probe's answer", ""},
       dynamic,
       present,
       option::duration<O>(&O::monitor_read_timeout, 1, 600'000)},
      {{"partition-type", "", value, both, "how keys are divided: modular", ""},
       fixed,
       present,
       option::choice<O>(&O::partition_type, {{"modular", "modular"}})},
      {{"partition-size", "", value, both, "one more than the most partitions possible", ""},
       fixed,
       present,
       option::number<O>(&O::partition_size, 2, 65'536)},
      {{"partition-modular-hint", "", value, both, "partitions of a cluster made by 1.0.8 or older", ""},
       fixed,
       present,
       option::number<O>(&O::partition_modular_hint, 1, 65'535)},
      {{"partition-modular-virtual", "", value, both, "slots of a row of the modular table", ""},
       fixed,
       present,
       option::number<O>(&O::partition_modular_virtual, 1, 1'048'576)},
      {{"key-hash-algorithm", "", value, both, "simple, bitshift, crc32, adler32, murmur or jenkins", ""},
       fixed,
       present,
       option::choice<O>(&O::key_hash_algorithm, {{"simple", KeyHashAlgorithm::simple},
                                                  {"bitshift", KeyHashAlgorithm::bitshift},
                                                  {"crc32", KeyHashAlgorithm::crc32},
                                                  {"adler32", KeyHashAlgorithm::adler32},
                                                  {"murmur", KeyHashAlgorithm::murmur},
                                                  {"jenkins", KeyHashAlgorithm::jenkins}})},
      {{"index-db", "", value, both, "where the node map is kept; default file://<data-dir>", ""},
       fixed,
       present,
       option::text<O>(&O::index_db, check_index_db)},
  };
}

const OptionTable<FlareiOptions>& table() {
  static const auto rows = [] {
    auto all = command_line_rows<FlareiOptions>();
    for (auto& row : common_rows<FlareiOptions>()) all.push_back(std::move(row));
    for (auto& row : own_rows()) all.push_back(std::move(row));
    return all;
  }();
  return rows;
}

std::optional<StartFailure> finish(const GivenOptions& given, FlareiOptions& options) {
  constexpr std::size_t scheme_bytes = std::string_view("file://").size();
  if (options.index_db.empty()) options.index_db = "file://" + options.data_dir;
  std::error_code error;
  const auto directory = std::filesystem::canonical(options.index_db.substr(scheme_bytes), error);
  if (!error && std::filesystem::is_directory(directory, error)) {
    options.index_directory = directory.string();
    return std::nullopt;
  }
  const auto* option = winning(given, "index-db");
  const GivenOption shown = option ? *option : GivenOption{"index-db", options.index_db, 0};
  return StartFailure{ExitCode::configuration, option_message(program, given.config_path, shown,
                                                              "the directory does not exist; create it first")};
}

}  // namespace

Result<FlareiOptions, StartFailure> parse_flarei_options(int argc, const char* const* argv) {
  return parse_options(table(), program, words_after_name(argc, argv), Finish<FlareiOptions>(finish));
}

Result<Reread<FlareiOptions>, StartFailure> reread_flarei_options(const FlareiOptions& in_force) {
  const auto fresh = parse_options(table(), program, in_force.command_line, Finish<FlareiOptions>(finish));
  if (!fresh) return fresh.error();
  return merge_reread(table(), in_force, *fresh);
}

std::vector<std::string> unsupported_yet(const FlareiOptions& options) {
  return names_without_effect(table(), options);
}

std::vector<std::string> option_warnings(const FlareiOptions& options) {
  return warning_about(unsupported_yet(options));
}

std::vector<std::pair<std::string, std::string>> shown_options(const FlareiOptions& options) {
  return shown(with_doors_of(table(), options, options), options);
}

}  // namespace flare
