#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

/// Time and network of the simulator: one queue of events, all chance from one seed. Connections keep their order;
/// across connections nothing does. What crosses a cut waits until it heals, as with TCP, and may arrive late.
namespace flare::sim {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using Place = int;  // index of a process; the index server is one too

class Network {
 public:
  explicit Network(unsigned seed) : random_(seed) {}

  TimePoint now() const { return now_; }
  unsigned pick(unsigned of) { return static_cast<unsigned>(random_() % of); }
  bool chance(unsigned in_1000) { return pick(1000) < in_1000; }

  void after(Duration wait, std::function<void()> what) {
    events_.emplace(std::pair{now_ + wait, ++count_}, std::move(what));
  }
  /// Runs what is due up to `until`.
  void run(TimePoint until) {
    while (!events_.empty() && events_.begin()->first.first <= until) {
      auto event = events_.extract(events_.begin());
      now_ = std::max(now_, event.key().first);
      event.mapped()();
    }
    now_ = until;
  }

  /// A process has begun or ended: what was on its way to the one before is lost.
  void new_life(Place place) { ++lives_[place]; }
  std::uint64_t life(Place place) const {
    const auto found = lives_.find(place);
    return found == lives_.end() ? 0 : found->second;
  }

  void cut(Place a, Place b) { cuts_.insert(ordered(a, b)); }
  void heal() { cuts_.clear(); }
  bool is_cut(Place a, Place b) const { return cuts_.contains(ordered(a, b)); }

 private:
  static std::pair<Place, Place> ordered(Place a, Place b) { return {std::min(a, b), std::max(a, b)}; }

  std::mt19937 random_;
  TimePoint now_{};
  std::uint64_t count_ = 0;
  std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> events_;
  std::set<std::pair<Place, Place>> cuts_;
  std::map<Place, std::uint64_t> lives_;
};

/// One connection between two processes, in order each way. Whoever closes it, what was sent before still arrives, and
/// perhaps late: a kernel goes on sending for a process that has given up.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Network& network, Place a, Place b)
      : network_(network), places_{a, b}, lives_{network.life(a), network.life(b)} {}

  bool is_open() const { return open_; }
  void close() { open_ = false; }

  /// Carries `what` to the other end.
  void send(Place from, std::function<void()> what) {
    if (!open_) return;
    const auto way = from == places_.first ? 0U : 1U;
    queues_[way].push_back(std::move(what));
    if (std::exchange(under_way_[way], true)) return;
    const auto load = std::make_shared<Load>(shared_from_this(), way);
    arrange(load, std::chrono::microseconds{50 + network_.pick(3000)});
  }

 private:
  // What is under way when the simulation ends holds its connection, which holds it.
  struct Load {
    Load(std::shared_ptr<Connection> on, unsigned by) : connection(std::move(on)), way(by) {}
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() {
      if (!arrived) connection->queues_[way].clear();
    }
    std::shared_ptr<Connection> connection;
    unsigned way;
    bool arrived = false;
  };

  void arrange(const std::shared_ptr<Load>& load, Duration wait) {
    network_.after(wait, [load] { load->connection->arrive(load); });
  }
  void arrive(const std::shared_ptr<Load>& load) {
    if (network_.is_cut(places_.first, places_.second)) return arrange(load, std::chrono::milliseconds{20});
    const auto way = load->way;
    load->arrived = true;
    under_way_[way] = false;
    const auto arrived = std::exchange(queues_[way], {});
    const bool same_process =
        way == 0 ? network_.life(places_.second) == lives_.second : network_.life(places_.first) == lives_.first;
    if (!same_process) return;
    for (const auto& what : arrived) what();
  }

  Network& network_;
  std::pair<Place, Place> places_;
  std::pair<std::uint64_t, std::uint64_t> lives_;
  bool open_ = true;
  std::vector<std::function<void()>> queues_[2];
  bool under_way_[2] = {false, false};
};

}  // namespace flare::sim
