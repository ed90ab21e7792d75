// flare-tenant: makes, lists, checks, starts, stops and removes the tenants of this machine.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "common/base/printable.h"
#include "common/daemon/option_text.h"
#include "flare_tenant/access.h"
#include "flare_tenant/clashes.h"
#include "flare_tenant/create.h"
#include "flare_tenant/daemon_control.h"
#include "flare_tenant/figures.h"
#include "flare_tenant/firewall.h"
#include "flare_tenant/list_report.h"
#include "flare_tenant/program.h"
#include "flare_tenant/remove.h"

namespace flare::tenant {
namespace {

enum ExitCode : int { done = 0, failed = 1, wrong_usage = 2 };

/// All that the command line says.
struct Settings {
  Plan plan{};
  std::string name{};
  std::string index_server{};
  bool only_index = false;
  bool only_node = false;
  std::filesystem::path units{};  ///< where drop-ins of the units go; empty: none are written
  bool no_systemd = false;
  bool json = false;
  bool warnings = false;
  bool purge = false;
  std::string allow{};
  double answer_s = 2.0;
  int timeout_s = 60;

  [[nodiscard]] bool systemd() const { return !no_systemd && plan.roots == Roots{} && systemd_runs(); }
  [[nodiscard]] std::filesystem::path drop_ins() const {
    return units.empty() && systemd() ? std::filesystem::path{"/etc/systemd/system"} : units;
  }
  [[nodiscard]] Control control() const { return {.systemd = systemd(), .limit = std::chrono::seconds{timeout_s}}; }
};

ExitCode fail(const std::string& text, ExitCode code = failed) {
  fmt::print(stderr, "flare-tenant: {}\n", text);
  return code;
}

void tell_systemd(const Settings& settings) {
  if (!settings.systemd()) return;
  constexpr std::chrono::seconds limit{60};
  if (run_program({"systemctl", "daemon-reload"}, limit) != 0) {
    fail("systemctl daemon-reload did not succeed: run it by hand");
  }
}

ExitCode create(Settings settings) {
  auto& plan = settings.plan;
  plan.name = settings.name;
  if (!settings.index_server.empty()) {
    plan.elsewhere = parse_host_port(settings.index_server);
    if (!plan.elsewhere) return fail("--index-server: must be host:port", wrong_usage);
  }
  plan.index = !settings.only_node && !plan.elsewhere;
  plan.node = !settings.only_index;
  if (plan.node && !plan.index && !plan.elsewhere) return fail("--only-node: needs --index-server too", wrong_usage);
  if (auto wrong = check_plan(plan)) return fail(*wrong, wrong_usage);
  const auto created = create_tenant(plan, settings.drop_ins());
  if (!created) return fail(created.error());
  tell_systemd(settings);
  for (const auto& file : created->files) fmt::print("{}\n", file.string());
  if (plan.index) fmt::print("flarei {}:{}\n", plan.address, created->plan.index_port);
  if (plan.node) fmt::print("flared {}:{}\n", plan.address, created->plan.node_port);
  if (!settings.systemd() && plan.user.empty() && ::geteuid() == 0) {
    fail("warning: without systemd and --user the daemons of this tenant run as root");
  }
  return done;
}

ExitCode list(const Settings& settings) {
  const auto limit = std::chrono::duration<double>{settings.answer_s};
  const auto all = look_at_all(read_tenants(settings.plan.roots), std::chrono::ceil<std::chrono::milliseconds>(limit));
  if (settings.json) {
    fmt::print("{}\n", list_to_json(all).dump());
  } else {
    fmt::print("{}", format_list(all, settings.warnings));
  }
  return done;
}

ExitCode check(const Settings& settings) {
  const auto tenants = read_tenants(settings.plan.roots);
  for (const auto& tenant : tenants) {
    for (const auto& daemon : tenant.daemons) {
      for (const auto& line : effective_access(daemon.file)) {
        fmt::print("{} {}: {}: {}\n", tenant.name, program_of(daemon.file.kind), line.list, line.who);
      }
    }
  }
  ExitCode code = done;
  for (const auto& finding : find_open_doors(tenants)) fmt::print("warning: {}: {}\n", finding.tenant, finding.text);
  for (const auto& finding : find_clashes(tenants)) {
    fmt::print("{}: {}: {}\n", finding.error ? "error" : "warning", finding.tenant, finding.text);
    if (finding.error) code = failed;
  }
  if (code == done) fmt::print("{} tenants, no clash\n", tenants.size());
  return code;
}

ExitCode start(const Settings& settings, const Tenant& tenant) {
  for (const auto& daemon : tenant.daemons) {  // the index first: the node registers there
    if (const auto why = start_daemon(tenant, daemon, settings.control())) return fail(*why);
  }
  return done;
}

ExitCode stop(const Settings& settings, const Tenant& tenant) {
  ExitCode code = done;
  for (auto daemon = tenant.daemons.rbegin(); daemon != tenant.daemons.rend(); ++daemon) {  // the node takes its leave
    if (const auto why = stop_daemon(tenant, *daemon, settings.control())) {
      code = fail(fmt::format("{} of {}: {}", program_of(daemon->file.kind), tenant.name, *why));
    }
  }
  return code;
}

bool name_is_typed(const Settings& settings) {
  fmt::print("Remove tenant {}{}? Type its name: ", settings.name, settings.purge ? " WITH ALL ITS DATA" : "");
  std::fflush(stdout);
  std::string typed;
  return std::getline(std::cin, typed) && typed == settings.name;
}

ExitCode remove(const Settings& settings, const Tenant&) {
  if (!name_is_typed(settings)) return fail("that is not its name: nothing was removed");
  const auto removed = remove_tenant(settings.plan.roots, settings.name, settings.drop_ins(), settings.purge);
  if (!removed) return fail(removed.error());
  tell_systemd(settings);
  fmt::print("\n");
  for (const auto& path : removed->gone) fmt::print("removed {}\n", path);
  for (const auto& path : removed->kept) fmt::print("kept {}\n", path);
  return done;
}

ExitCode firewall(const Settings& settings, const Tenant& tenant) {
  const auto more = parse_allow_list(settings.allow.empty() ? "none" : settings.allow);
  if (!more) return fail("--allow: " + more.error(), wrong_usage);
  for (const auto& daemon : tenant.daemons) {
    for (const auto& [name, text] : daemon.file.access) {
      if (const auto list = parse_allow_list(text); !list) {
        return fail(fmt::format("{}: {}: {}", daemon.file.file.string(), name, list.error()));
      }
    }
  }
  fmt::print("{}", firewall_rules(tenant, *more));
  return done;
}

void add_create(CLI::App& app, Settings& settings) {
  auto& plan = settings.plan;
  app.add_option("--address", plan.address, "numeric address that both listen on")->capture_default_str();
  app.add_option("--server-name", plan.server_name, "name in the cluster; default: the address");
  app.add_option("--index-port", plan.index_port, "port of flarei; default: a free one")->check(CLI::Range(1, 65535));
  app.add_option("--node-port", plan.node_port, "port of flared; default: a free one")->check(CLI::Range(1, 65535));
  app.add_option("--index-server", settings.index_server,
                 "HOST:PORT of a flarei elsewhere: only a flared is made here");
  app.add_flag("--only-index", settings.only_index, "no flared on this machine");
  app.add_flag("--only-node", settings.only_node, "no flarei on this machine; with --index-server");
  app.add_option("--user", plan.user, "account of the daemons where systemd does not run");
  app.add_option("--group", plan.group, "group of the daemons; default: the user's");
  app.add_option("--storage-bucket-size", plan.bucket_size, "buckets of the store: at least the number of keys")
      ->capture_default_str();
  for (const auto& name : quota_names()) app.add_option("--" + name, plan.quotas[name], "quota of the node");
  for (const auto& name : access_names()) app.add_option("--" + name, plan.access[name], "networks that may");
  app.add_option("--memory-max", plan.memory_max, "MemoryMax of the systemd units");
}

// What was not given is no value.
void drop_empty(std::map<std::string, std::string>& values) {
  std::erase_if(values, [](const auto& entry) { return entry.second.empty(); });
}

using Command = ExitCode (*)(const Settings&, const Tenant&);

ExitCode with_tenant(const Settings& settings, Command command) {
  const auto tenant = read_tenant(settings.plan.roots, settings.name);
  for (const auto& fault : tenant.faults) fail(fault);
  if (!tenant.faults.empty()) return failed;
  if (!tenant.daemons.empty()) return command(settings, tenant);
  return fail(fmt::format("there is no tenant {} below {}", settings.name, settings.plan.roots.config.string()));
}

/// The subcommands and their options; what was called is run by `run`.
struct Line {
  Settings settings{};
  CLI::App app{"Makes, lists, checks, starts, stops and removes the Flare tenants of this machine.", "flare-tenant"};

  Line() {
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--config-root", settings.plan.roots.config, "folder of NAME/flarei.conf and NAME/flared.conf")
        ->capture_default_str();
    app.add_option("--data-root", settings.plan.roots.data, "folder of NAME/flarei and NAME/flared (create)")
        ->capture_default_str();
    app.add_option("--unit-root", settings.units, "folder for the units' drop-ins; default: systemd's, if it runs");
    app.add_flag("--no-systemd", settings.no_systemd, "start and stop directly");
    app.add_option("--timeout", settings.timeout_s, "SECONDS that a daemon has to start or stop")
        ->capture_default_str()
        ->check(CLI::Range(1, 86400));
    app.footer("Exit status: 0 done; 1 not done, or `check` found a clash; 2 wrong usage.");
    add_create(*named("create", "choose ports, write config files, make data-dirs"), settings);
    auto* list = app.add_subcommand("list", "all tenants: ports, state, nodes, items, bytes, quota, warnings");
    list->add_flag("--json", settings.json, "one JSON object");
    list->add_flag("--warnings", settings.warnings, "each warning on a line of its own");
    list->add_option("--answer-timeout", settings.answer_s, "SECONDS that daemons have for their answers")
        ->capture_default_str()
        ->check(CLI::Range(0.05, 600.0));
    app.add_subcommand("check", "clashes of ports, directories and names; who may connect");
    named("start", "start its daemons");
    named("stop", "stop its daemons");
    named("remove", "remove its config files; asks for its name")
        ->add_flag("--purge", settings.purge, "its data-dirs too");
    named("firewall", "print nftables rules for its ports")
        ->add_option("--allow", settings.allow, "more networks, divided by commas");
  }

  CLI::App* named(const std::string& word, const std::string& help) {
    auto* command = app.add_subcommand(word, help);
    command->add_option("NAME", settings.name, "the tenant: a-z, 0-9 and -, at most 63")->required();
    return command;
  }

  ExitCode run() {
    const auto word = app.get_subcommands().front()->get_name();
    drop_empty(settings.plan.quotas);
    drop_empty(settings.plan.access);
    if (word == "list") return list(settings);
    if (word == "check") return check(settings);
    if (!is_tenant_name(settings.name)) {
      return fail(fmt::format("'{}' is no name of a tenant: a-z, 0-9 and '-', not beginning with '-', at most 63 bytes",
                              printable(settings.name)),
                  wrong_usage);
    }
    if (word == "create") return create(settings);
    const std::map<std::string, Command> commands{
        {"start", start}, {"stop", stop}, {"remove", remove}, {"firewall", firewall}};
    return with_tenant(settings, commands.at(word));
  }
};

int run(int count, char** words) {
  Line line;
  try {
    line.app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return line.app.exit(error) == 0 ? done : wrong_usage;
  }
  return line.run();
}

}  // namespace
}  // namespace flare::tenant

int main(int count, char** words) { return flare::tenant::run(count, words); }
