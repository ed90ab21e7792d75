#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/cluster/node_map.h"
#include "flared/replication/backup.h"
#include "flared/replication/hello.h"
#include "flared/replication/in_sync_set.h"
#include "flared/replication/primary.h"
#include "flared/replication/promise.h"
#include "flared/replication_plan.h"
#include "unit/replication/model_store.h"
#include "unit/simulator/plants.h"
#include "unit/simulator/sim_network.h"

namespace flare::sim {

/// What a client hears of a write.
enum class Answer {
  stored,
  refused,  // surely not done
  unknown,  // perhaps done
};

class Node;

/// What a node asks of the world around it.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  virtual Node* node(const NodeKey& key) = 0;
  /// Requests to the index server, over a connection of their own; `done(false)`: refused. No answer: no call.
  virtual void ask_to_join(Node& node, std::function<void(const NodeMap&)> done) = 0;
  virtual void tell_in_sync(Node& from, NodeKey slave, Epoch epoch, bool in_sync, std::function<void(bool)> done) = 0;
  virtual void tell_active(Node& from, std::function<void(bool)> done) = 0;
};

/// One flared: the real pure parts of replication (replication_plan, primary, backup, in_sync_set, promise) over a
/// model store, a simulated clock and network. It may be killed, frozen, cut off and started again.
class Node {
 public:
  struct Settings {
    bool sync = true;
    Plant plant = Plant::none;
  };
  Node(Network& network, Surroundings& surroundings, Place place, Settings settings);

  Place place() const { return place_; }
  const NodeKey& key() const { return key_; }
  bool is_up() const { return up_; }
  bool is_frozen() const { return frozen_; }
  bool leads() const { return up_ && leading_; }
  Epoch reign() const { return reign_; }
  const test::ModelStore& store() const { return store_; }
  const NodeMap& map() const { return map_; }
  std::size_t corrections() const { return corrections_; }

  void start();
  void kill();
  void freeze() { frozen_ = true; }
  void thaw();

  // What arrives over a connection. A frozen process takes it when it goes on, a dead one never.
  void on_map(NodeMap map, std::function<void(bool)> answer);
  void on_ping(std::function<void()> answer);
  void on_position(PartitionId partition, Epoch epoch, std::function<void(std::optional<Position>)> answer);
  /// An empty value removes. The answer tells what the key had before.
  using Written = std::function<void(Answer answer, const std::string& before)>;
  void on_write(std::string key, std::string value, Written answer);
  void on_hello(std::shared_ptr<Connection> connection, Hello hello);
  void on_keys(const NodeKey& name, const std::shared_ptr<Connection>& connection, const Position& common,
               std::vector<std::string> keys);

  /// Entries may be forgotten up to a checkpoint.
  void trim_log();

 private:
  struct Slave {
    std::shared_ptr<Connection> connection;
    Primary primary;
    bool complete = true;    // the whole snapshot is on its way, or none was needed
    bool caught_up = false;  // it is to hear INSYNC when the index knows
  };
  // What a slave has asked for, read in pieces.
  struct KeyScan {
    std::vector<std::string> keys;
    std::size_t done = 0;
    stream::Checksum checksum;
  };
  struct Scan {
    bool began = false;
    bool ended = false;
    std::string last;
    std::uint64_t count = 0;
    stream::Checksum checksum;
  };
  struct Following {
    std::shared_ptr<Connection> connection;
    Node* source;
    Backup backup;
    stream::Decoder decoder{1000};
    std::string unread;
    TimePoint heard;
    bool confirmed = false;  // by its source
  };
  struct Waiting {
    Sequence sequence{0};
    TimePoint until;
    std::string before;
    Written answer;
  };

  void process(std::function<void()> what);
  void tick();
  void install(NodeMap map);
  void carry_out(const ReplicationPlan& plan);
  void lead();
  void stop_leading();
  void join();
  void write_log();
  void answer_writes();
  void give_up_writes();
  Sequence answerable();
  Sequence acknowledged_by_connected(Sequence written) const;
  InSyncSet::Members members() const;
  Epoch epoch_known() const;

  void tell_index();
  void report_active();
  void stream_to(const NodeKey& name);
  void on_ack(const NodeKey& name, const std::shared_ptr<Connection>& connection, stream::Ack ack);
  void obey(const NodeKey& name, const Primary::Actions& actions);
  void drop_slave(const NodeKey& name);
  void append_ping(std::string& out) const;
  void resume(const NodeKey& name, const std::shared_ptr<Connection>& connection, const Position& from);
  void send_snapshot(const NodeKey& name, const std::shared_ptr<Connection>& connection);
  void scan_on(const NodeKey& name, const std::shared_ptr<Connection>& connection, const std::shared_ptr<Scan>& scan);
  void give_keys_on(const NodeKey& name, const std::shared_ptr<Connection>& connection,
                    const std::shared_ptr<KeyScan>& scan);
  void send(const std::shared_ptr<Connection>& connection, std::string bytes, const NodeKey& to);

  void follow();
  void connect_to_master();
  void on_stream(const std::shared_ptr<Connection>& connection, const std::string& bytes);
  void act(const Backup::Action& action);
  void fetch_keys(const Position& common);
  void correct(const Backup::Correct& correct);
  void stop_following();

  Network& network_;
  Surroundings& surroundings_;
  const Place place_;
  const NodeKey key_;
  const Settings settings_;
  bool up_ = false;
  bool frozen_ = false;
  std::uint64_t life_ = 0;  // of the process
  std::size_t corrections_ = 0;
  std::vector<std::function<void()>> backlog_;

  test::ModelStore store_;
  test::ModelStore::Records replacement_;
  test::ModelStore::Records fetched_;
  Promise promise_;
  std::optional<Promise::Given> promised_;  // on the disk
  NodeMap map_;
  bool joined_ = false;
  ReplicationPlan plan_;
  bool leading_ = false;
  Epoch reign_{0};
  InSyncSet in_sync_;
  std::map<NodeKey, Slave> slaves_;
  std::vector<Waiting> waiting_;
  std::optional<Following> following_;
  TimePoint connect_at_;
  bool reporting_ = false;  // that this slave is active
};

}  // namespace flare::sim
