// flared: one node of a cluster. Only wires; the life of the daemon is server.h.
#include <cstdio>

#include "common/base/log_spdlog.h"
#include "common/daemon/daemonize.h"
#include "flared/options.h"
#include "flared/rebind.h"
#include "flared/server.h"

int main(int argc, char** argv) {
  auto options = flare::parse_flared_options(argc, argv);
  if (!options) return flare::report(options.error());
  if (options->check_config) {
    for (const auto& warning : flare::option_warnings(*options)) std::fprintf(stderr, "flared: %s\n", warning.c_str());
    return flare::report({flare::ExitCode::ok, "flared: the configuration is good"});
  }
  if (options->rebind) {
    const auto log = flare::open_log({"flared", options->log_facility, true});
    return flare::report(flare::rebind_data_dir(*options, *log));
  }
  auto daemonizer = flare::Daemonizer::start("flared", options->daemonize);
  if (!daemonizer) return flare::report(daemonizer.error());
  const auto log =
      flare::open_log({flare::log_ident("flared", options->tenant), options->log_facility, options->log_to_stderr});
  flare::Server server{std::move(*options), std::move(*daemonizer), *log};
  return server.run();
}
