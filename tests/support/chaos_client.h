#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/history.h"
#include "support/item_request.h"
#include "support/text_client.h"

namespace flare::test {

/// Which keys the clients use: a new set of them after some operations, so that no key's history gets too long to be
/// judged, and whenever the test wants to tell apart what came before and after a moment.
class KeySets {
 public:
  static constexpr int operations_max = 700;

  [[nodiscard]] int now() const { return now_; }
  /// From now on new keys; `calm`: nothing is wrong with the cluster while they are used.
  void begin(bool calm);
  void count(int operations);
  [[nodiscard]] bool was_calm(int set) const;
  /// Of a key, which begins with it.
  [[nodiscard]] static int set_of(const std::string& key);

 private:
  void begin_next();

  mutable std::mutex mutex_;
  std::atomic<int> now_ = 0;
  std::atomic<int> operations_ = 0;
  std::vector<bool> calm_{true};
};

/// A client that asks all nodes in turn for keys that it shares with others and for some of its own, by several
/// requests at a time, and notes what it was told. Whatever it writes or adds tells key, client and number, so that an
/// answer that belongs to another request is seen at once.
class ChaosClient {
 public:
  struct Plan {
    int number = 0;
    int clients = 1;
    std::uint64_t seed = 0;
    std::string from{};  // its own address
    std::vector<Address> nodes{};
  };
  ChaosClient(Plan plan, KeySets& sets);
  ~ChaosClient();
  ChaosClient(const ChaosClient&) = delete;
  ChaosClient& operator=(const ChaosClient&) = delete;

  void stop();
  /// The keys it uses now; it has no open request for older ones.
  [[nodiscard]] int set_in_use() const { return set_in_use_; }
  [[nodiscard]] int answered() const { return answered_; }
  // When stopped:
  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  /// Answers that cannot be the request's.
  [[nodiscard]] const std::vector<std::string>& foreign() const { return foreign_; }

  /// Of a value that a client has written: its number, growing with each write of that client.
  [[nodiscard]] static std::uint64_t number_of(const std::string& value);
  /// Written by one client only, by `set`.
  [[nodiscard]] static bool is_own_register(const std::string& key);

 private:
  struct Request {
    Operation operation;
    Form form = Form::classic;
    std::string tag;
  };

  void run();
  bool connect();
  void exchange();
  void take(Request& request);
  void give_up();
  Request draw(std::vector<std::string>& used);
  Operation draw_register(const std::string& key, bool own);
  Operation draw_counter(bool own);
  std::string draw_key();
  std::string complaint_of(const Operation& operation) const;
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  const Plan plan_;
  KeySets& sets_;
  std::mt19937_64 random_;
  std::optional<TextClient> connection_;
  std::string node_;
  std::uint64_t exchanges_left_ = 0;
  std::vector<Request> open_;
  std::map<std::string, Operation> shown_;  // the newest get of each key: what a cas may name
  std::uint64_t numbered_ = 0;
  std::vector<Operation> operations_;
  std::vector<std::string> foreign_;
  std::atomic<int> set_in_use_ = 0;
  std::atomic<int> answered_ = 0;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace flare::test
