#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/daemon/option_table.h"

/// The rows of daemons.md 1.1 and those that both 1.2 and 1.3 have.
namespace flare {

// What a text must be: each a whole sentence of the message, or nullopt.
Reason check_server_name(std::string_view text);
Reason check_bind_address(std::string_view text);
Reason check_account_name(std::string_view text);
Reason check_tenant(std::string_view text);
Reason check_log_facility(std::string_view text);
Reason check_path(std::string_view text);
Reason check_address_list(std::string_view text);
Reason check_balancers(std::string_view text);
/// `all` for a list that is not given.
std::string shown_list(const std::string& text);

/// net-read-timeout, net-write-timeout: a negative value means never.
template <class Options, class Owner>
Binding<Options> timeout_or_never(std::chrono::seconds Owner::*member) {
  constexpr std::int64_t seconds_max = 31'536'000;
  return {[=](Options& options, std::string_view text) -> Reason {
            const auto value = parse_integer<std::int64_t>(text);
            if (!value || *value == 0 || *value > seconds_max) {
              return option::out_of_range("1", std::to_string(seconds_max)).value() + ", or negative for never";
            }
            options.*member = *value < 0 ? never : std::chrono::seconds(*value);
            return std::nullopt;
          },
          [=](const Options& options) {
            return options.*member == never ? "-1" : std::to_string((options.*member).count());
          },
          option::copy_of<Options>(member)};
}

/// An address list; one that is not given is shown as what it means.
template <class Options>
Binding<Options> address_list(std::string CommonOptions::*member) {
  auto binding = option::text<Options>(member, check_address_list);
  binding.show = [member](const Options& options) { return shown_list(options.*member); };
  return binding;
}

/// The load balancers: without a list there are none.
template <class Options>
Binding<Options> balancer_list(std::string CommonOptions::*member) {
  auto binding = option::text<Options>(member, check_balancers);
  binding.show = [member](const Options& options) {
    return (options.*member).empty() ? std::string{"none"} : options.*member;
  };
  return binding;
}

template <class Options>
OptionTable<Options> command_line_rows() {
  using enum OptionKind;
  constexpr auto here = OptionPlace::command_line;
  const auto nothing = Binding<Options>{};
  return {
      {{"config", "f", value, here, "config file (path)", ""},
       Apply::at_start,
       Effect::present,
       option::text<Options>(&CommonOptions::config_path, check_path)},
      {{"pid", "p", value, here, "pid file (path); default <data-dir>/<program>.pid", ""},
       Apply::at_start,
       Effect::present,
       option::text<Options>(&CommonOptions::pid_path, check_path)},
      {{"stderr", "s", flag, here, "log to stderr in place of syslog", ""},
       Apply::at_start,
       Effect::present,
       option::boolean<Options>(&CommonOptions::log_to_stderr)},
      {{"check-config", "", flag, here, "check all options, say what is wrong, do not start", ""},
       Apply::at_start,
       Effect::present,
       option::boolean<Options>(&CommonOptions::check_config)},
      {{"version", "v", flag, here, "print the version", ""}, Apply::at_start, Effect::present, nothing},
      {{"help", "h", flag, here, "print this text", ""}, Apply::at_start, Effect::present, nothing},
  };
}

template <class Options>
OptionTable<Options> common_rows() {
  using enum OptionKind;
  using C = CommonOptions;
  constexpr auto both = OptionPlace::both;
  constexpr auto present = Effect::present;
  constexpr auto fixed = Apply::at_start;
  constexpr auto dynamic = Apply::on_reload;
  return {
      {{"daemonize", "", flag, both, "run in the background", ""},
       fixed,
       present,
       option::boolean<Options>(&C::daemonize)},
      {{"data-dir", "", value, both, "directory of this daemon's files (required)", ""},
       fixed,
       present,
       option::text<Options>(&C::data_dir, check_path)},
      {{"log-facility", "", value, both, "syslog facility: auth, daemon, user, local0 to local7", ""},
       dynamic,
       present,
       option::text<Options>(&C::log_facility, check_log_facility)},
      {{"max-connection", "", value, both, "connections at the same time", ""},
       dynamic,
       present,
       option::number<Options>(&C::max_connection, 1, 1'000'000)},
      {{"server-name", "", value, both, "this daemon's name in the cluster; default: full name of the host", ""},
       fixed,
       present,
       option::text<Options>(&C::server_name, check_server_name)},
      {{"server-port", "", value, both, "port", ""},
       fixed,
       present,
       option::number<Options>(&C::server_port, 1, 65535)},
      {{"server-socket", "", value, both, "unix socket to listen on as well (path)", ""},
       fixed,
       present,
       option::text<Options>(&C::server_socket)},
      {{"bind-address", "", value, both, "numeric address to listen on and to connect from; default: all", ""},
       fixed,
       present,
       option::text<Options>(&C::bind_address, check_bind_address)},
      {{"user", "", value, both, "run as this user after binding", ""},
       fixed,
       present,
       option::text<Options>(&C::user, check_account_name)},
      {{"group", "", value, both, "run as this group; default: the user's", ""},
       fixed,
       present,
       option::text<Options>(&C::group, check_account_name)},
      {{"tenant", "", value, both, "whose daemon this is: a-z, 0-9 and -, at most 63", ""},
       fixed,
       present,
       option::text<Options>(&C::tenant, check_tenant)},
      {{"require-identity", "", boolean, both, "refuse daemons that tell no cluster id, such as an original's", ""},
       fixed,
       present,
       option::boolean<Options>(&C::require_identity)},
      {{"client-allow-from", "", value, both, "who may ask for data: addresses, networks, unix; all; none", ""},
       dynamic,
       present,
       address_list<Options>(&C::client_allow_from)},
      {{"cluster-allow-from", "", value, both, "who may act as a node or index, likewise", ""},
       dynamic,
       present,
       address_list<Options>(&C::cluster_allow_from)},
      {{"admin-allow-from", "", value, both, "who may administer, likewise; without a list: everybody", ""},
       dynamic,
       present,
       address_list<Options>(&C::admin_allow_from)},
      {{"auth-file", "", value, both, "users and passwords: user:password[:ro|rw|admin] (path)", ""},
       fixed,
       present,
       option::text<Options>(&C::auth_file)},
      {{"tls-certificate", "", value, both, "this daemon's certificate and its chain (PEM file)", ""},
       dynamic,
       present,
       option::text<Options>(&C::tls_certificate)},
      {{"tls-key", "", value, both, "its private key (PEM file without pass phrase)", ""},
       dynamic,
       present,
       option::text<Options>(&C::tls_key)},
      {{"tls-ca", "", value, both, "the cluster's authority, for cluster-tls (PEM file)", ""},
       dynamic,
       present,
       option::text<Options>(&C::tls_ca)},
      {{"cluster-tls", "", boolean, both,
        "daemons speak TLS among each other and at server-port, all with certificates", ""},
       fixed,
       present,
       option::boolean<Options>(&C::cluster_tls)},
      {{"proxy-protocol-from", "", value, both, "load balancers, whose PROXY protocol headers are believed; or none",
        ""},
       dynamic,
       present,
       balancer_list<Options>(&C::proxy_protocol_from)},
      {{"door.NAME.port", "", value, both, "port of a further door; NAME of a-z, 0-9, -", ""}, fixed, present, {}},
      {{"door.NAME.bind", "", value, both, "its addresses, IPv4 or IPv6, divided by commas; default: all", ""},
       fixed,
       present,
       {}},
      {{"door.NAME.allow", "", value, both, "who may come in there: as client-allow-from", ""}, dynamic, present, {}},
      {{"door.NAME.classes", "", value, both, "what it is for: of data, cluster, admin", ""}, dynamic, present, {}},
      {{"door.NAME.tls", "", value, both, "yes: clients speak TLS there", ""}, fixed, present, {}},
      {{"net-read-timeout", "", value, both, "seconds until an idle client is closed; negative: never", ""},
       dynamic,
       present,
       timeout_or_never<Options>(&C::net_read_timeout)},
      {{"stack-size", "", value, both, "KB; accepted, no thread is made for a connection", ""},
       fixed,
       Effect::none_here,
       option::number<Options>(&C::stack_size_kb, 1, 1'048'576)},
      {{"thread-pool-size", "", value, both, "accepted, no thread is made for a connection", ""},
       dynamic,
       Effect::none_here,
       option::number<Options>(&C::thread_pool_size, -1, 1'000'000)},
  };
}

/// What cannot be said of one option alone, for all daemons: paths, accounts, the default name.
std::optional<StartFailure> finish_common(std::string_view program, const GivenOptions& given, CommonOptions& options);

/// The option's text that counts: of the command line, else of the file; nullptr: not given.
const GivenOption* winning(const GivenOptions& given, std::string_view name);

}  // namespace flare
