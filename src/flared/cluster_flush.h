#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/cluster/node.h"
#include "common/net/greeting.h"
#include "common/net/task.h"

namespace flare {

/// Passes one flush_all on to several masters at once, each by a connection of its own (option proxy-flush-all). Lives
/// until all have answered or their deadline has passed; on one executor.
class ClusterFlush : public std::enable_shared_from_this<ClusterFlush> {
 public:
  struct Setup {
    IoExecutor executor;
    NodeKey own;
    std::string bind_address;
    Introduce introduce;
    std::chrono::milliseconds deadline;  // for each master
  };
  using Reply = std::function<void(std::string answer)>;

  ClusterFlush(Setup setup, std::int64_t exptime, Reply reply);

  /// OK when each of `masters` has answered OK; else an error that names the first of the others.
  void run(std::vector<Node> masters);

 private:
  IoTask<std::string> ask(Node master) const;
  void told(const Node& master, std::string failure);

  Setup setup_;
  std::string request_;
  Reply reply_;
  std::size_t missing_ = 0;
  std::string failure_;
};

}  // namespace flare
