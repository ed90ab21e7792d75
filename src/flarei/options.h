#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/cluster/key_hash.h"
#include "common/cluster/modular_table.h"
#include "common/daemon/common_options.h"
#include "common/daemon/reread.h"
#include "common/daemon/start_failure.h"

/// flarei's options (docs/spec/daemons.md 1.2): names, ranges and defaults are the table in options.cc.
namespace flare {

struct FlareiOptions : CommonOptions {
  int monitor_threshold = 3;  // failed probes until down
  std::chrono::seconds monitor_interval{5};
  std::chrono::milliseconds monitor_read_timeout{1000};
  int partition_size = PartitionMeta{}.partition_size;
  int partition_modular_hint = PartitionMeta{}.modular_hint;
  int partition_modular_virtual = PartitionMeta{}.modular_virtual;
  KeyHashAlgorithm key_hash_algorithm = KeyHashAlgorithm::simple;
  std::string partition_type = "modular";
  std::string index_db;         // as given, for show variables
  std::string index_directory;  // where flare.xml is: the path of index-db, or data-dir

  FlareiOptions() { server_port = 12120; }
  PartitionMeta partition_meta() const { return {partition_size, partition_modular_hint, partition_modular_virtual}; }
};

/// Command line and file, checked. A failure with ExitCode::ok is the text of --help or --version.
Result<FlareiOptions, StartFailure> parse_flarei_options(int argc, const char* const* argv);

/// For SIGHUP: the file again, beneath the same command line.
Result<Reread<FlareiOptions>, StartFailure> reread_flarei_options(const FlareiOptions& in_force);

/// Sentences to log at the start: options that are accepted, but whose feature is not here.
std::vector<std::string> option_warnings(const FlareiOptions& options);
/// Names of options set to another value than their default whose feature is not here.
std::vector<std::string> unsupported_yet(const FlareiOptions& options);

/// Every option in force, in the order of --help, as `show variables` prints it.
std::vector<std::pair<std::string, std::string>> shown_options(const FlareiOptions& options);

}  // namespace flare
