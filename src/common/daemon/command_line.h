#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/daemon/start_failure.h"

/// From the words of a command line and the text of a file to named texts (daemons.md 1.1, 1.4). What the texts mean is
/// the option table's matter (option_table.h).
namespace flare {

enum class OptionKind { flag, boolean, value };
enum class OptionPlace { command_line, both };

struct OptionName {
  std::string name;
  std::string short_name;  // one letter or empty
  OptionKind kind = OptionKind::value;
  OptionPlace place = OptionPlace::both;
  std::string help;
  std::string shown_default;
};

/// `names` and a copy of its row for each of `given` that is an instance of it: `door.web.port` of `door.NAME.port`.
/// `given` may be written as words of a command line. Pure.
std::vector<OptionName> with_instances(std::vector<OptionName> names, const std::vector<std::string>& given);

struct GivenOption {
  std::string name;
  std::string value;
  int line = 0;  // of the config file; 0: command line
  bool operator==(const GivenOption&) const = default;
};

struct GivenOptions {
  std::string config_path;  // as given; empty: none
  std::vector<GivenOption> command_line;
  std::vector<GivenOption> file;
};

/// Reads `words` (without the program's name), then the config file that they name. Ends with the help or version text
/// (ExitCode::ok), or with a message that names the option.
Result<GivenOptions, StartFailure> read_options(std::string_view program, const std::vector<OptionName>& names,
                                                const std::vector<std::string>& words);

/// `--` words with their long names written out; a prefix must fit one name only. Pure.
Result<std::vector<std::string>, StartFailure> expand_prefixes(std::string_view program,
                                                               const std::vector<OptionName>& names,
                                                               const std::vector<std::string>& words);

/// `<program>: <file>:<line>: option 'x': value 'y': reason`, or without file and line for the command line. Pure.
std::string option_message(std::string_view program, std::string_view config_path, const GivenOption& given,
                           std::string_view reason);

}  // namespace flare
