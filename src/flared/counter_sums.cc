#include "flared/counter_sums.h"

namespace flare {

namespace {

constexpr Counter Counters::*reset_counters[] = {
    &Counters::total_connections, &Counters::total_items,  &Counters::cmd_get,     &Counters::cmd_set,
    &Counters::cmd_touch,         &Counters::get_hits,     &Counters::get_misses,  &Counters::delete_hits,
    &Counters::delete_misses,     &Counters::incr_hits,    &Counters::incr_misses, &Counters::decr_hits,
    &Counters::decr_misses,       &Counters::cas_hits,     &Counters::cas_misses,  &Counters::cas_badval,
    &Counters::touch_hits,        &Counters::touch_misses, &Counters::bytes_read,  &Counters::bytes_written,
};

}  // namespace

void remember_for_reset(const std::vector<const Counters*>& workers, Counters& at_reset) {
  const CounterSums sums{workers, &at_reset};
  for (const auto member : reset_counters) (at_reset.*member).add(sums.of(member));
}

}  // namespace flare
