// flare-bench: load on a server of memcached's protocols; every byte of every answer is checked.
#include <csignal>
#include <cstdio>
#include <random>

#include "flare_bench/failure.h"
#include "flare_bench/options.h"
#include "flare_bench/phases.h"
#include "flare_bench/report.h"

namespace flare::bench {
namespace {

enum ExitCode : int { right = 0, faults = 1, wrong_usage = 2, no_run = 3 };

ExitCode complain(const char* what, ExitCode code) {
  std::fprintf(stderr, "flare-bench: %s\n", what);
  return code;
}

ExitCode run(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  Settings settings;
  settings.seed = std::random_device{}();
  CLI::App app{"Load on a server of memcached's protocols; every answer is checked.", "flare-bench"};
  add_options(app, settings);
  try {
    app.parse(count, words);
    check_together(settings);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? right : wrong_usage;
  }
  try {
    const auto result = run_phases(settings);
    const auto report = settings.json ? to_json(settings, result).dump() + "\n" : format_report(settings, result);
    std::fputs(report.c_str(), stdout);
    return faults_that_count(settings, result.tally) == 0 ? right : faults;
  } catch (const std::invalid_argument& error) {
    return complain(error.what(), wrong_usage);
  } catch (const Failure& error) {
    return complain(error.what(), no_run);
  }
}

}  // namespace
}  // namespace flare::bench

int main(int count, char** words) { return flare::bench::run(count, words); }
