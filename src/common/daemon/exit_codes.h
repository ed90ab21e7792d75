#pragma once

/// How a daemon ends (sysexits.h's numbers; the README lists them).
namespace flare {

enum class ExitCode : int {
  ok = 0,
  usage = 64,              // the command line
  index_unreachable = 69,  // no index answers, or it refuses
  system = 71,             // the operating system refuses: fork, sockets, users
  cannot_create = 73,      // pid file, lock, port or socket taken
  io = 74,                 // storage or map cannot be read or written
  configuration = 78,      // a value in the config file or on the command line
};

}  // namespace flare
