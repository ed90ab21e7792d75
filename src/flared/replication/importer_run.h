#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/client.h"
#include "flared/replication/backup.h"
#include "flared/replication/importer.h"
#include "flared/replication/original_master.h"
#include "flared/replication/seen_keys.h"
#include "flared/replication/stream_link.h"
#include "flared/replication/takeover.h"

namespace flare {

/// What the coroutines of an Importer work on: one for each source, kept alive by them until they have ended.
class ImporterRun : public std::enable_shared_from_this<ImporterRun> {
 public:
  ImporterRun(IoExecutor executor, Storage& storage, BlockingPool& pool, Importer::Callbacks callbacks,
              FollowerOptions options);

  void gather(std::vector<Importer::Target> targets, Importer::FormerPartition former);
  IoTask<bool> take_over(std::shared_ptr<ImporterRun> self, std::chrono::steady_clock::duration patience);
  void stop();
  void set_pace(const DumpPace& pace) { pace_ = pace; }
  void abandon();  // stop, and call nobody back any more

 private:
  // The master of one partition. Belongs to its coroutine; others only close it, or put another master in.
  struct Source {
    Source(IoExecutor executor, Importer::Target of) : target(std::move(of)), pause(executor) {}

    Importer::Target target;
    Timer pause;
    std::unique_ptr<PeerClient> client;
    std::unique_ptr<StreamLink> link;
    Backup backup = Backup::of_import();
    Position position;        // up to where this node has all of its keys; log-id 0: nowhere
    SeenKeys seen;            // of the snapshot that is being read, if others may be here
    bool has_loaded = false;  // a snapshot, or the begin of one
    bool cleans = false;      // what the snapshot has not got is to go
    bool clean_due = false;   // now
    std::string buffer;
    bool level = false;     // the source has said so
    bool original = false;  // it has no stream: importer_original.cc
    bool dumped = false;    // its whole dump is here
    bool asking = false;    // for the handover
    bool ended = false;     // taken out of the gathering
    std::string last_report;
  };
  using SourcePointer = std::shared_ptr<Source>;

  // importer_run.cc
  IoTask<> serve(std::shared_ptr<ImporterRun> self, SourcePointer source);
  // The next functions answer with the reason why a connection ends, or with an empty text.
  IoTask<std::string> attempt(Source& source);
  IoTask<std::string> run_stream(SourcePointer source);
  std::string take_messages(Source& source);
  std::string obey(Source& source, const Backup::Action& action);
  Result<void, StorageError> write(LogEntry entry);
  void begin_snapshot(Source& source);
  void note_progress(const SourcePointer& source);
  void note_level(Source& source);
  void report(Source& source, const std::string& reason);
  static void close(Source& source);
  // importer_handover.cc
  IoTask<> ask(std::shared_ptr<ImporterRun> self, SourcePointer source);
  IoTask<std::string> ask_once(const Source& source);
  void ask_where_needed(const SourcePointer& source);
  void report_missing();
  // importer_cleaning.cc
  IoTask<std::string> clean(SourcePointer source);
  bool remove(const std::vector<std::string>& keys, OperationKind how = OperationKind::remove);
  // importer_original.cc
  IoTask<std::string> follow_original(SourcePointer source);
  IoTask<std::string> watch_original(SourcePointer source);
  IoTask<std::string> await_map(SourcePointer source);
  IoTask<std::string> drop_former(SourcePointer source);
  IoTask<std::string> read_dump(SourcePointer source);
  Result<bool, std::string> take_dumped(Source& source);

  IoExecutor executor_;
  Storage& storage_;
  BlockingPool& pool_;
  Importer::Callbacks callbacks_;
  FollowerOptions options_;

  DumpPace pace_;  // of originals' dumps
  Importer::FormerPartition former_;
  std::map<PartitionId, SourcePointer> sources_;
  bool began_empty_ = false;  // nothing was in the store: a first snapshot leaves nothing to be cleaned
  bool gathered_ = false;
  Epoch epoch_{0};  // of what is written now
  std::optional<Takeover> takeover_;
  Timer takeover_timer_;  // its patience; cancelled by progress
};

}  // namespace flare
