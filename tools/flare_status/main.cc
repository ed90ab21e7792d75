// flare-status: one table for each index given, like flare-status.pl (docs/spec/tools.md 7).
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include "flare_status/ask.h"
#include "flare_status/login.h"
#include "flare_status/status.h"
#include "flare_status/status_report.h"
#include "flare_status/target.h"

namespace flare::status {
namespace {

enum ExitCode : int { healthy = 0, degraded = 1, wrong_usage = 2, index_unreachable = 3 };

struct Settings {
  std::vector<std::string> targets{};
  double timeout_s = 2.0;
  double watch_s = 0.0;
  bool json = false;
  std::string login_file{};
  std::string login{};  // empty: none
};

// A login is only sent to a node that asks for one: another would store it as an entry.
std::vector<Answer> ask_nodes(const std::vector<Target>& nodes, const std::string& login,
                              std::chrono::steady_clock::time_point deadline, std::vector<NodeRow>& rows) {
  auto answers = ask_all(nodes, "stats", deadline);
  std::vector<std::size_t> numbers;
  std::vector<Target> asking;
  for (std::size_t number = 0; number < answers.size(); ++number) {
    if (answers[number].error != "answers CLIENT_ERROR unauthenticated") continue;
    rows[number].no_login = "asks for a login: give one by --login";
    numbers.push_back(number);
    asking.push_back(nodes[number]);
  }
  if (login.empty()) return answers;
  auto again = ask_all(asking, behind_login(login, "stats"), deadline);
  for (std::size_t i = 0; i < again.size(); ++i) {
    rows[numbers[i]].no_login = again[i].error;
    answers[numbers[i]] = std::move(again[i]);
  }
  return answers;
}

ClusterStatus look_at(const Target& index, const Settings& settings) {
  const std::chrono::duration<double> timeout{settings.timeout_s};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::round<std::chrono::milliseconds>(timeout);
  ClusterStatus status{.index = to_string(index)};
  const auto map = ask_all({index}, "stats nodes", deadline).front();
  auto rows = parse_nodes(map.lines);
  if (!map.error.empty() || !rows) {
    status.error = map.error.empty() ? "does not answer as an index server" : map.error;
    return status;
  }
  status.rows = std::move(*rows);

  std::vector<Target> nodes;
  for (const auto& row : status.rows) nodes.push_back(parse_target(row.key).value_or(Target{}));
  const auto answers = ask_nodes(nodes, settings.login, deadline, status.rows);
  for (std::size_t number = 0; number < answers.size(); ++number) {
    status.rows[number].items = parse_items(answers[number].lines);
    status.rows[number].build = parse_build(answers[number].lines);
    status.rows[number].salvaged = parse_salvaged(answers[number].lines);
  }
  return status;
}

ExitCode judge(const ClusterStatus& status) {
  if (!status.error.empty()) return index_unreachable;
  return find_faults(status.rows).empty() ? healthy : degraded;
}

void print_tables(const std::vector<ClusterStatus>& all) {
  for (const auto& status : all) {
    if (!status.error.empty()) {
      std::fprintf(stderr, "flare-status: index server %s: %s\n", status.index.c_str(), status.error.c_str());
      continue;
    }
    if (all.size() > 1) std::printf("%s\n", status.index.c_str());
    std::fputs(format_table(status.rows).c_str(), stdout);
    for (const auto& row : status.rows) {
      if (!row.no_login.empty()) std::printf("%s %s\n", row.key.c_str(), row.no_login.c_str());
      if (!row.salvaged.empty()) std::printf("%s was %s\n", row.key.c_str(), row.salvaged.c_str());
    }
    for (const auto& build : find_builds(status.rows)) std::printf("%s\n", build.c_str());
    if (all.size() > 1 && &status != &all.back()) std::puts("");
  }
}

void print_json(const std::vector<ClusterStatus>& all) {
  auto clusters = nlohmann::ordered_json::array();
  for (const auto& status : all) clusters.push_back(to_json(status));
  std::printf("%s\n", nlohmann::ordered_json{{"clusters", clusters}}.dump().c_str());
}

ExitCode report_once(const std::vector<Target>& indexes, const Settings& settings) {
  std::vector<ClusterStatus> all;
  ExitCode worst = healthy;
  for (const auto& index : indexes) {
    all.push_back(look_at(index, settings));
    worst = std::max(worst, judge(all.back()));
  }
  settings.json ? print_json(all) : print_tables(all);
  std::fflush(stdout);
  return worst;
}

// Until interrupted; on a terminal each table takes the place of the last.
[[noreturn]] void watch(const std::vector<Target>& indexes, const Settings& settings) {
  while (true) {
    if (::isatty(STDOUT_FILENO) == 1) std::fputs("\033[H\033[2J", stdout);
    report_once(indexes, settings);
    std::this_thread::sleep_for(std::chrono::duration<double>{settings.watch_s});
  }
}

void add_options(CLI::App& app, Settings& settings) {
  app.add_option("INDEX", settings.targets, "port of an index server on this machine, or host:port; one or more")
      ->required();
  app.add_option("--watch", settings.watch_s, "show again every so many SECONDS")->check(CLI::Range(0.1, 86400.0));
  app.add_option("--timeout", settings.timeout_s, "SECONDS an index server and all its nodes have for their answers")
      ->capture_default_str()
      ->check(CLI::Range(0.05, 600.0));
  app.add_flag("--json", settings.json, "one JSON object in place of the tables");
  app.add_option("--login", settings.login_file, "FILE with a line user:password, for nodes that ask for users");
  app.footer(
      "Exit status: 0 healthy; 1 degraded (a node is down or silent, a partition has no master);\n"
      "2 wrong usage; 3 an index server cannot be reached.");
}

int run(int count, char** words) {
  Settings settings;
  CLI::App app{"Shows the nodes of Flare clusters and the number of their items.", "flare-status"};
  add_options(app, settings);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? healthy : wrong_usage;
  }
  if (!settings.login_file.empty()) {
    std::string error;
    settings.login = read_login(settings.login_file, error);
    if (settings.login.empty()) {
      std::fprintf(stderr, "flare-status: option '--login': %s\n", error.c_str());
      return wrong_usage;
    }
  }
  std::vector<Target> indexes;
  for (const auto& text : settings.targets) {
    const auto target = parse_target(text);
    if (!target) {
      std::fprintf(stderr, "flare-status: '%s' is neither a port nor host:port (1 to 65535)\n", text.c_str());
      return wrong_usage;
    }
    indexes.push_back(*target);
  }
  if (settings.watch_s > 0) watch(indexes, settings);
  return report_once(indexes, settings);
}

}  // namespace
}  // namespace flare::status

int main(int count, char** words) { return flare::status::run(count, words); }
