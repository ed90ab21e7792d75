#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/net/client.h"
#include "flared/replication/backup.h"
#include "flared/replication/importer.h"
#include "flared/replication/stream_link.h"

namespace flare {

/// What the coroutines of an Importer work on: one for each source, kept alive by them until they have ended.
class ImporterRun : public std::enable_shared_from_this<ImporterRun> {
 public:
  ImporterRun(IoExecutor executor, Storage& storage, BlockingPool& pool, Importer::Callbacks callbacks,
              FollowerOptions options);

  void gather(std::vector<Importer::Target> targets);
  void stop();
  void abandon();  // stop, and call nobody back any more

 private:
  // One source. Belongs to its coroutine; others only close it.
  struct Source {
    Source(IoExecutor executor, Importer::Target of) : target(std::move(of)), pause(executor) {}

    Importer::Target target;
    Timer pause;
    std::unique_ptr<PeerClient> client;
    std::unique_ptr<StreamLink> link;
    Backup backup = Backup::of_import();
    std::string buffer;
    bool level = false;  // the source has said so
    std::string last_report;
  };
  using SourcePointer = std::shared_ptr<Source>;

  IoTask<> begin(std::shared_ptr<ImporterRun> self, bool empty_first, std::uint64_t round);
  IoTask<> serve(std::shared_ptr<ImporterRun> self, SourcePointer source, std::uint64_t round);
  // The next functions answer with the reason why a connection ends, or with an empty text.
  IoTask<std::string> attempt(Source& source, std::uint64_t round);
  IoTask<std::string> run_stream(Source& source, std::uint64_t round);
  std::string take_messages(Source& source);
  std::string obey(Source& source, const Backup::Action& action);
  void begin_anew();
  void note_level(Source& source);
  void report(Source& source, const std::string& reason);
  void close_all();

  IoExecutor executor_;
  Storage& storage_;
  BlockingPool& pool_;
  Importer::Callbacks callbacks_;
  FollowerOptions options_;
  SystemClock clock_;

  std::vector<Importer::Target> targets_;
  std::vector<SourcePointer> sources_;
  std::uint64_t round_ = 0;  // raised by each gather, stop and new beginning: what belongs to an older one ends
  std::size_t serving_ = 0;  // coroutines of any round
  bool wrote_ = false;       // since the store was last emptied here
  bool must_empty_ = false;  // a source was emptied
  bool gathered_ = false;
  Timer all_ended_;  // never runs out: cancelled when `serving_` falls to 0
};

}  // namespace flare
