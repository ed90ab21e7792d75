#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unit/simulator/sim_node.h"

namespace flare::sim {

/// One client that writes its own keys, one request at a time, and keeps account of what it was told.
class Client {
 public:
  /// `find_master`: the node that a random node of the cluster calls master; null: none.
  Client(Network& network, int number, Plant plant, std::function<Node*()> find_master)
      : network_(network), number_(number), plant_(plant), find_master_(std::move(find_master)) {}

  void start() { next_write(); }
  void stop() { stopped_ = true; }

  struct Write {
    std::string value;  // empty: a removal
    Answer answer = Answer::unknown;
  };
  const std::map<std::string, std::vector<Write>>& account() const { return account_; }

  /// Whether a store may hold this after everything: the last acknowledged write, or one whose outcome is not known. An
  /// empty value: the key is not there.
  bool may_be(const std::string& key, const std::string& value) const { return may_be_before(key, value, ~0U); }
  /// The first answer that told of a value before the write that could not be there; empty: none.
  const std::string& wrong_answer() const { return wrong_answer_; }
  std::size_t acknowledged() const { return acknowledged_; }

 private:
  struct Request {
    std::string key;
    std::size_t write = 0;
    bool ended = false;
  };

  bool may_be_before(const std::string& key, const std::string& value, std::size_t write) const;
  void next_write();
  void send(Node& to);
  void end(const std::shared_ptr<Request>& request, Answer answer, const std::string& before);

  Network& network_;
  const int number_;
  const Plant plant_;
  std::function<Node*()> find_master_;
  bool stopped_ = false;
  std::map<std::string, std::vector<Write>> account_;
  std::string wrong_answer_;
  std::size_t acknowledged_ = 0;
  std::uint64_t count_ = 0;
  std::shared_ptr<Request> request_;  // the one that waits
  std::map<Place, std::shared_ptr<Connection>> connections_;
};

}  // namespace flare::sim
