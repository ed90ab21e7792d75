#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/line_server.h"
#include "support/original_map.h"
#include "support/original_store.h"
#include "support/text_client.h"

namespace flare::test {

/// A request as it came, payload line included, and what was answered.
struct OriginalExchange {
  std::string request{};  ///< without its last line end
  std::string answer{};   ///< likewise
};

/// Behaves as the flared of Flare 1.3.4 towards other daemons and text clients (docs/spec/cluster.md, golden
/// cluster-wire-*.txt): strict about extra words, one dump at a time, prefix and version rules, queues of replication
/// that give up after four tries. Lives in threads of the test. Its entries survive `kill`, as on a disk.
class OriginalFlared {
 public:
  OriginalFlared(const Address& own, const Address& index);
  ~OriginalFlared();
  OriginalFlared(const OriginalFlared&) = delete;
  OriginalFlared& operator=(const OriginalFlared&) = delete;

  /// Listens, `node add` and `meta`. Throws where an original would exit.
  void start();
  /// As by SIGTERM: `shutdown` to the index, then the end.
  void stop();
  /// As by SIGKILL.
  void kill();
  /// As by SIGSTOP and SIGCONT: connections are accepted, nothing is answered.
  void freeze(bool frozen);

  [[nodiscard]] const Address& address() const { return own_; }
  [[nodiscard]] std::string key() const { return key_of(own_); }
  [[nodiscard]] OriginalMap map() const;
  [[nodiscard]] std::map<std::string, OriginalRecord> records() const;
  [[nodiscard]] std::vector<OriginalExchange> exchanges() const;
  /// What it did not understand, and answers that an original cannot take.
  [[nodiscard]] std::vector<std::string> complaints() const;
  /// A dump that does not end before the next call with false: to meet `database busy`, and to write meanwhile.
  void hold_dumps(bool held);
  /// The next dumps break off after that many entries; -1: none does.
  void break_dumps_after(int entries);
  [[nodiscard]] bool dump_runs() const;
  [[nodiscard]] int dumps_begun() const;
  /// `total_thread_queue` of `stats threads queue`: what it has not sent yet is lost with it (cluster.md 5.4).
  [[nodiscard]] std::size_t queued() const;

 private:
  struct Queue {
    Address to;
    std::deque<std::string> requests;
    bool sending = false;
    std::condition_variable more;
    std::thread thread;
  };

  void serve(LineConnection& connection);
  bool answer(LineConnection& connection, const std::string& line);
  std::string simple_answer(const std::vector<std::string>& words);
  std::string take_map(LineConnection& connection, const std::vector<std::string>& words, std::string& request);
  std::optional<OriginalWrite> parse_write(const std::string& line, std::size_t& payload);
  std::string write(OriginalWrite write);
  std::string read(const std::vector<std::string>& words);
  std::string forward(const OriginalWrite& write, const Address& to);
  void replicate(const OriginalWrite& write);
  void send_to(const OriginalNode& node, const std::string& request);
  void drain(Queue& queue);
  void dump(LineConnection& connection, const std::vector<std::string>& words);
  void act_on_role(const std::optional<OriginalNode>& before);
  void build(std::vector<OriginalNode> sources, int partition, int partitions, std::string done);
  void build_from(const OriginalNode& source, int partition, int partitions);
  std::string tell_index(const std::string& line);
  void complain(const std::string& what);
  void note(const std::string& request, const std::string& answer);
  [[nodiscard]] const OriginalNode* own_entry() const;

  const Address own_;
  const Address index_;
  mutable std::mutex mutex_;  // of all that follows; not held while waiting for a peer
  std::condition_variable changed_;
  bool running_ = false;
  bool frozen_ = false;
  bool dumps_held_ = false;
  bool dumping_ = false;
  int break_after_ = -1;
  int dumps_ = 0;
  OriginalMap map_;
  OriginalStore store_;
  std::vector<OriginalExchange> exchanges_;
  std::vector<std::string> complaints_;
  std::map<std::string, std::unique_ptr<Queue>> queues_;
  std::vector<std::thread> builds_;
  std::unique_ptr<LineServer> server_;
};

}  // namespace flare::test
