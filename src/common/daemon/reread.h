#pragma once

#include <string>
#include <vector>

namespace flare {

/// What SIGHUP's reading of the config file gives (daemons.md 2.5): whole or not at all, the command line keeps
/// precedence.
template <class Options>
struct Reread {
  Options options;                        // in force from now on: only dynamic options differ
  std::vector<std::string> changed;       // dynamic options with a new value
  std::vector<std::string> need_restart;  // static options that differ in the file: they keep their old value
};

}  // namespace flare
