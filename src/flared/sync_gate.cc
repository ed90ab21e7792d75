#include "flared/sync_gate.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "flared/worker.h"

namespace flare {

void when_committed(Worker& worker, std::function<void(bool committed)> done) {
  auto& setup = worker.setup();
  const auto last = setup.storage.written_sequence();
  if (!setup.gate || setup.gate->reached(last)) return done(true);
  setup.gate->when_reached(last, [done = std::move(done), executor = worker.executor()](bool committed) {
    asio::post(executor, [done, committed] { done(committed); });
  });
}

}  // namespace flare
