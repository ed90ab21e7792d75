#include "flared/disk_gate.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "flared/worker.h"

namespace flare {

void fill_when_on_disk(Worker& worker, AnswerPlace place, std::string answer) {
  auto& setup = worker.setup();
  auto fill = [place = std::move(place), answer = std::move(answer), &log = setup.log](bool safe) {
    if (!safe) {
      place.answers->lose();
      log.error("the update log cannot be synced: a client is closed with its answers unsent");
    }
    place.fill(answer);
  };
  setup.storage.when_on_disk([fill = std::move(fill), executor = worker.executor()](bool safe) {
    asio::post(executor, [fill, safe] { fill(safe); });
  });
}

}  // namespace flare
