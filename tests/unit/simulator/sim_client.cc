#include "unit/simulator/sim_client.h"

#include <utility>

namespace flare::sim {

using namespace std::chrono_literals;

namespace {

constexpr unsigned keys = 3;
constexpr auto keys_last = 4s;  // then others come: what is wrong with a key is not mended by its next write
constexpr unsigned removals_in_1000 = 200;

}  // namespace

void Client::next_write() {
  network_.after(5ms + std::chrono::milliseconds{network_.pick(120)}, [this] {
    if (stopped_) return;
    next_write();
    if (request_ && !request_->ended) return;
    if (auto* const master = find_master_()) send(*master);
  });
}

// A request that is not answered in time has an unknown outcome, and its connection is not used again.
void Client::send(Node& to) {
  const auto period = network_.now().time_since_epoch() / keys_last;
  const auto key =
      "c" + std::to_string(number_) + "k" + std::to_string(network_.pick(keys)) + "." + std::to_string(period);
  auto& writes = account_[key];
  writes.push_back({network_.chance(removals_in_1000) ? std::string{} : std::to_string(++count_), Answer::unknown});
  const auto request = std::make_shared<Request>(Request{key, writes.size() - 1});
  request_ = request;
  auto& connection = connections_[to.place()];
  if (!connection || !connection->is_open()) {
    connection = std::make_shared<Connection>(network_, -1 - number_, to.place());
  }
  connection->send(-1 - number_, [this, &to, request, connection, value = writes.back().value] {
    to.on_write(request->key, value, [this, &to, request, connection](Answer answer, const std::string& before) {
      connection->send(to.place(), [this, request, answer, before] {
        end(plant_ == Plant::answer_of_another_request ? request_ : request, answer, before);
      });
    });
  });
  const auto deadline = 200ms + std::chrono::milliseconds{network_.pick(2000)};
  network_.after(deadline, [this, request, connection] {
    if (request->ended) return;
    request->ended = true;
    if (plant_ != Plant::answer_of_another_request) connection->close();
  });
}

void Client::end(const std::shared_ptr<Request>& request, Answer answer, const std::string& before) {
  if (std::exchange(request->ended, true)) return;
  account_[request->key][request->write].answer = answer;
  if (answer != Answer::stored) return;
  ++acknowledged_;
  if (wrong_answer_.empty() && !may_be_before(request->key, before, request->write)) {
    wrong_answer_ =
        request->key + " was '" + before + "' before '" + account_[request->key][request->write].value + "'";
  }
}

// An outcome that is not known may come about at any later time.
bool Client::may_be_before(const std::string& key, const std::string& value, std::size_t write) const {
  const auto found = account_.find(key);
  if (found == account_.end()) return value.empty();
  const Write* last_stored = nullptr;
  for (std::size_t i = 0; i < found->second.size() && i < write; ++i) {
    const auto& earlier = found->second[i];
    if (earlier.answer == Answer::stored) last_stored = &earlier;
    if (earlier.answer == Answer::unknown && earlier.value == value) return true;
  }
  return last_stored ? last_stored->value == value : value.empty();
}

}  // namespace flare::sim
