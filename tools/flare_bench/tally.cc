#include "flare_bench/tally.h"

namespace flare::bench {
namespace {

constexpr std::size_t fault_bytes_max = 300;

std::string printable(std::string_view text) {
  std::string shown{text.substr(0, fault_bytes_max)};
  for (auto& byte : shown) {
    if (byte < ' ' || byte > '~') byte = '.';
  }
  return shown;
}

}  // namespace

Histogram Tally::all_times() const {
  Histogram all = get_times;
  all.merge(set_times);
  return all;
}

void Tally::blame(std::uint64_t Tally::*counter, std::string_view what, std::uint64_t times) {
  this->*counter += times;
  if (first_fault.empty()) first_fault = printable(what);
}

void Tally::merge(const Tally& other) {
  for (const auto counter :
       {&Tally::gets, &Tally::keys_read, &Tally::sets, &Tally::wrong, &Tally::stale, &Tally::missing, &Tally::errors,
        &Tally::unanswered, &Tally::unsent, &Tally::lost_connections}) {
    this->*counter += other.*counter;
  }
  if (first_fault.empty()) first_fault = other.first_fault;
  get_times.merge(other.get_times);
  set_times.merge(other.set_times);
  timeline.merge(other.timeline);
}

}  // namespace flare::bench
