#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/line_server.h"
#include "support/original_flared.h"
#include "support/original_map.h"

namespace flare::test {

/// Behaves as the flarei of Flare 1.3.4 (docs/spec/cluster.md 1 and 4): strict about words, one monitor for each node
/// that probes or delivers a map, failover by the largest balance, flare.xml in its own form. Lives in threads of the
/// test.
class OriginalFlarei {
 public:
  OriginalFlarei(const Address& own, std::filesystem::path data_dir);
  ~OriginalFlarei();
  OriginalFlarei(const OriginalFlarei&) = delete;
  OriginalFlarei& operator=(const OriginalFlarei&) = delete;

  /// Reads flare.xml if there is one, and listens.
  void start();
  void stop();
  /// Before `start`: how many probes must fail before a node is down.
  void mark_down_after(int probes) { threshold_ = probes; }

  [[nodiscard]] const Address& address() const { return own_; }
  [[nodiscard]] OriginalMap map() const;
  [[nodiscard]] std::vector<OriginalExchange> exchanges() const;
  [[nodiscard]] std::vector<std::string> complaints() const;

 private:
  struct Monitor {
    Address to;
    std::optional<OriginalMap> due;
    std::condition_variable more;
    bool ended = false;
    std::thread thread;
  };
  using Change = std::function<bool(OriginalMap&)>;

  void serve(LineConnection& connection);
  std::string answer(const std::string& line);
  std::string add(const std::string& name, int port);
  std::string remove(const std::string& key);
  bool change(const Change& decide);
  void publish();
  void watch(const std::string& key, Monitor& monitor);
  static bool deliver(TextClient& client, const OriginalMap& map);
  void ensure_monitor(const OriginalNode& node);
  void event(const std::string& key, bool up);

  const Address own_;
  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  int threshold_ = 3;
  bool running_ = false;
  OriginalMap map_;
  std::map<std::string, std::unique_ptr<Monitor>> monitors_;
  std::vector<OriginalExchange> exchanges_;
  std::vector<std::string> complaints_;
  std::unique_ptr<LineServer> server_;
};

}  // namespace flare::test
