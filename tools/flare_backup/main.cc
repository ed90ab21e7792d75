// flare-backup: snapshots of nodes as files: take, check, list, restore; text export and import (docs/design.md 3.5).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "flare_backup/acknowledge.h"
#include "flare_backup/export.h"
#include "flare_backup/flushed.h"
#include "flare_backup/list.h"
#include "flare_backup/restore.h"
#include "flare_backup/take.h"

namespace flare::backup {
namespace {

enum ExitCode : int { done = 0, failed = 1, wrong_usage = 2 };

constexpr std::size_t data_bytes_max = std::size_t{1} << 31;

struct Settings {
  std::string node{};
  std::filesystem::path file{};
  std::filesystem::path data_dir{};
  std::string time{};
  std::uint64_t bandwidth_kb_s = 0;
  double timeout_s = 10;
  bool into_other_tenant = false;
  bool into_data = false;

  std::chrono::milliseconds patience() const {
    return std::chrono::round<std::chrono::milliseconds>(std::chrono::duration<double>{timeout_s});
  }
};

int fail(std::string_view text) {
  std::fprintf(stderr, "flare-backup: %.*s\n", static_cast<int>(text.size()), text.data());
  return failed;
}

std::optional<status::Target> target_of(const Settings& settings) { return status::parse_target(settings.node); }

int take_now(const Settings& settings) {
  const auto target = target_of(settings);
  if (!target) return fail(fmt::format("{}: must be host:port", settings.node));
  const auto facts = take({*target, settings.file, settings.bandwidth_kb_s, settings.patience()});
  if (!facts) return fail(facts.error());
  std::printf("%s: %s\n", settings.file.c_str(), describe(*facts).c_str());
  return done;
}

int verify(const Settings& settings) {
  const auto facts = snapshot::verify_file(settings.file, data_bytes_max);
  if (!facts) return fail(facts.error());
  std::printf("%s: good: %s\n", settings.file.c_str(), describe(*facts).c_str());
  return done;
}

int show_list(const Settings& settings) {
  const auto found = list(settings.file);
  std::fputs(format_list(found).c_str(), stdout);
  const bool faults = std::any_of(found.begin(), found.end(), [](const auto& each) { return !each.fault.empty(); });
  return faults ? failed : done;
}

int show_flushed(const Settings& settings) {
  const auto found = list_flushed(settings.data_dir);
  if (found.empty()) return fail(fmt::format("{}: nothing that a flush has kept", settings.data_dir.string()));
  std::fputs(format_flushed(found).c_str(), stdout);
  return done;
}

int report(const Settings& settings, const Result<Restored, std::string>& restored) {
  if (!restored) return fail(restored.error());
  std::printf("%s: %llu stored, %llu expired meanwhile\n", settings.file.c_str(),
              static_cast<unsigned long long>(restored->stored), static_cast<unsigned long long>(restored->expired));
  if (restored->newer > 0) {
    std::printf("%llu left as they are: written since\n", static_cast<unsigned long long>(restored->newer));
  }
  if (restored->refused == 0) return done;
  return fail(fmt::format("{} records were refused, the first with: {}", restored->refused, restored->first_refusal));
}

int write_into(const Settings& settings, Result<Restored, std::string> (*work)(const RestorePlan&)) {
  const auto target = target_of(settings);
  if (!target) return fail(fmt::format("{}: must be host:port", settings.node));
  return report(settings,
                work({settings.file, *target, settings.into_other_tenant, settings.into_data, settings.patience()}));
}

int unflush(Settings settings) {
  settings.file = flushed_store(settings.data_dir, settings.time);
  return write_into(settings, restore_flushed);
}

int export_now(const Settings& settings) {
  const auto count = export_text(settings.file, stdout);
  if (!count) return fail(count.error());
  std::fprintf(stderr, "%llu records\n", static_cast<unsigned long long>(*count));
  return done;
}

int acknowledge(const Settings& settings) {
  const auto target = target_of(settings);
  if (!target) return fail(fmt::format("{}: must be host:port", settings.node));
  const auto text = acknowledge_salvage(*target, settings.patience());
  if (!text) return fail(text.error());
  std::printf("acknowledged: %s\n", text->c_str());
  return done;
}

void add_node(CLI::App& command, Settings& settings) {
  command.add_option("NODE", settings.node, "host:port of a node, or a port of this machine")->required();
  command.add_option("--timeout", settings.timeout_s, "SECONDS without a word after which the node is given up")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
}

void add_file(CLI::App& command, Settings& settings, const char* what) {
  command.add_option("FILE", settings.file, what)->required();
}

int run(int count, char** words) {
  Settings settings;
  int code = done;
  CLI::App app{"Takes, checks, lists and restores snapshots of Flare nodes.", "flare-backup"};
  app.require_subcommand(1);

  auto* command = app.add_subcommand("take", "take a snapshot of a running node into a file");
  add_node(*command, settings);
  add_file(*command, settings, "where to; it gets this name when it is whole");
  command->add_option("--bwlimit", settings.bandwidth_kb_s, "KB per second; 0: no limit of ours")
      ->check(CLI::Range(0, 1'000'000'000));
  command->callback([&] { code = take_now(settings); });

  command = app.add_subcommand("verify", "read a snapshot whole and check all of it");
  add_file(*command, settings, "a snapshot");
  command->callback([&] { code = verify(settings); });

  command = app.add_subcommand("list", "show a snapshot, or those of a folder");
  add_file(*command, settings, "a snapshot or a folder of *.snapshot");
  command->callback([&] { code = show_list(settings); });

  command =
      app.add_subcommand("restore", "write a snapshot's records into an empty node or cluster of the same tenant");
  add_node(*command, settings);
  add_file(*command, settings, "a snapshot");
  command->add_flag("--into-other-tenant", settings.into_other_tenant,
                    "the cluster is another tenant's, and that is meant");
  command->add_flag("--into-data", settings.into_data, "the cluster need not be empty");
  command->callback([&] { code = write_into(settings, restore); });

  command = app.add_subcommand("export", "write a snapshot's records as text, as flare-admin dump -f default does");
  add_file(*command, settings, "a snapshot");
  command->callback([&] { code = export_now(settings); });

  command = app.add_subcommand("import", "write the records of such a text into an empty node or cluster");
  add_node(*command, settings);
  add_file(*command, settings, "the text");
  command->add_flag("--into-data", settings.into_data, "the cluster need not be empty");
  command->callback([&] { code = write_into(settings, import_text); });

  command = app.add_subcommand("acknowledge", "the word about a salvaged store was read: take it out of stats");
  add_node(*command, settings);
  command->callback([&] { code = acknowledge(settings); });

  command = app.add_subcommand("flushed", "list what flush_all has kept aside at a node of this machine");
  command->add_option("--data-dir", settings.data_dir, "of the node")->required();
  command->callback([&] { code = show_flushed(settings); });

  command = app.add_subcommand("unflush", "add the records of before a flush_all whose keys are not there now");
  add_node(*command, settings);
  command->add_option("TIME", settings.time, "as `flushed` shows it")->required();
  command->add_option("--data-dir", settings.data_dir, "of the node that was flushed")->required();
  command->callback([&] { code = unflush(settings); });

  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? done : wrong_usage;
  }
  return code;
}

}  // namespace
}  // namespace flare::backup

int main(int count, char** words) { return flare::backup::run(count, words); }
