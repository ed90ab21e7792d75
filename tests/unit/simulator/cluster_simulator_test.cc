// docs/replication.md, Form: the promises over thousands of schedules. FLARE_SIMULATOR_SEED and
// FLARE_SIMULATOR_SCHEDULES choose others than those that run by themselves.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "unit/simulator/simulation.h"

namespace flare::sim {
namespace {

unsigned number_from_environment(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

class ClusterSimulator : public testing::TestWithParam<bool> {};

TEST_P(ClusterSimulator, KeepsItsPromisesInAnySchedule) {
  const auto first = number_from_environment("FLARE_SIMULATOR_SEED", 1);
  const auto schedules = number_from_environment("FLARE_SIMULATOR_SCHEDULES", 1000);
  std::size_t acknowledged = 0;
  std::size_t reigns = 0;
  std::size_t corrections = 0;
  for (unsigned seed = first; seed < first + schedules; ++seed) {
    Simulation simulation{{.seed = seed, .sync = GetParam()}};
    ASSERT_EQ(simulation.run(), "") << "FLARE_SIMULATOR_SEED=" << seed << " FLARE_SIMULATOR_SCHEDULES=1";
    acknowledged += simulation.figures().acknowledged;
    reigns += simulation.figures().reigns;
    corrections += simulation.figures().corrections;
  }
  std::cout << schedules << " schedules, " << acknowledged << " acknowledged writes, " << reigns << " masters, "
            << corrections << " returned by keys\n";
  EXPECT_GT(acknowledged, 50 * schedules);
  EXPECT_GT(reigns, 2 * schedules);
  if (schedules >= 100) {
    EXPECT_GT(corrections, schedules / 10);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, ClusterSimulator, testing::Bool(),
                         [](const auto& mode) { return mode.param ? "sync" : "async"; });

class PlantedError : public testing::TestWithParam<Plant> {};

TEST_P(PlantedError, IsFound) {
  constexpr unsigned schedules = 1000;
  for (unsigned seed = 1; seed <= schedules; ++seed) {
    Simulation simulation{{.seed = seed, .sync = true, .plant = GetParam()}};
    if (const auto wrong = simulation.run(); !wrong.empty()) {
      std::cout << to_text(GetParam()) << ": found by schedule " << seed << ": " << wrong << '\n';
      return;
    }
  }
  FAIL() << to_text(GetParam()) << " is not found by " << schedules << " schedules";
}

INSTANTIATE_TEST_SUITE_P(Plants, PlantedError, testing::ValuesIn(plants),
                         [](const auto& plant) { return std::string{to_text(plant.param)}; });

}  // namespace
}  // namespace flare::sim
