#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "flare_bench/shape.h"
#include "flare_status/target.h"

namespace flare::bench {

using Seconds = std::chrono::duration<double>;

constexpr std::uint32_t connections_max = 50'000;

/// What the command line says.
struct Settings {
  std::vector<status::Target> nodes{};
  Shape shape{};
  std::uint32_t connections = 50;
  std::uint32_t idle = 0;  ///< connections that are opened, asked once and kept
  std::uint32_t threads = 1;
  double per_second = 0;         ///< 0: closed loop
  std::uint64_t operations = 0;  ///< 0: as many as fit into the time
  Seconds length{5.0};
  Seconds connect_limit{30.0};
  Seconds fill_limit{600.0};
  Seconds answer_limit{10.0};
  bool tls = false;
  std::string tls_ca{};  ///< file; empty: any certificate is taken
  bool fill = true;
  bool stale_ok = false;
  bool json = false;
  std::uint64_t seed = 0;
  std::vector<pid_t> pids{};
};

}  // namespace flare::bench
