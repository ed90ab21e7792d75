// docs/spec/cluster.md 7: what another cluster's node is sent, and what becomes of what it does not take.
#include "flared/replication/cluster_sender.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <functional>

#include "flared/storage/memory_storage.h"
#include "support/deadline.h"
#include "unit/flared/scripted_peer.h"

namespace flare {
namespace {

using namespace std::chrono_literals;
using test::Deadline;
using test::ScriptedPeer;

constexpr auto patience = 20s;  // far more than any wait needs
constexpr std::string_view version_line = "version\r\n";

class SilentLog final : public Log {
 public:
  void write(Level, std::string_view) override {}
};

class ClusterSenderTest : public testing::Test {
 protected:
  ClusterSenderTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "flare-cluster-sender-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }

  void TearDown() override {
    if (sender_) sender_->close();
    EXPECT_TRUE(!sender_ || eventually([&] { return sender_->ended(); }));
    peer_.go();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    ClusterSender::Setup setup{.executor = context_.get_executor(),
                               .storage = storage_,
                               .pool = pool_,
                               .log = log_,
                               .clock = clock_,
                               .own_name = "a:1",
                               .bind_address = {},
                               .copied_touches = touches_,
                               .file = ClusterPositionFile{folder_},
                               .target = {"127.0.0.1", peer_.port()}};
    setup.answer_max = 5s;
    setup.pause_min = 1ms;
    setup.pause_max = 10ms;
    sender_ = std::make_shared<ClusterSender>(setup);
    asio::co_spawn(context_, sender_->run(sender_), asio::detached);
  }

  void store(OperationKind kind, std::string_view key, std::string_view data = {}, std::int64_t expire_s = 0) {
    const Storage::Batch batch{storage_};
    const Operation operation{.kind = kind, .key = key, .data = data, .expire_s = expire_s};
    ASSERT_TRUE(storage_.execute(operation, clock_.unix_s(), nullptr));
    ASSERT_TRUE(storage_.write_log());
    if (sender_) sender_->wake();
  }

  bool eventually(const std::function<bool()>& condition) {
    const Deadline deadline{patience};
    while (!condition()) {
      if (deadline.passed()) return false;
      context_.run_one_for(20ms);
      context_.restart();
    }
    return true;
  }

  /// What came on the newest connection.
  std::string received() { return peer_.connections() == 0 ? "" : peer_.received(peer_.connections() - 1); }
  bool receives(const std::string& text) {
    return eventually([&] { return received() == text; });
  }
  /// Answers `version` on the `number`th connection.
  bool greets(std::size_t number, std::string_view version = "VERSION 2.0.0\r\n") {
    if (!eventually([&] { return peer_.connections() == number && received() == version_line; })) return false;
    peer_.say(version);
    return true;
  }

  asio::io_context context_;
  ScriptedPeer peer_{context_};
  MemoryStorage storage_;
  BlockingPool pool_{1, 16};
  SilentLog log_;
  SystemClock clock_;
  CopiedTouches touches_;
  std::filesystem::path folder_;
  std::shared_ptr<ClusterSender> sender_;
};

const std::string greeted{version_line};

TEST_F(ClusterSenderTest, SendsADaemonOfOursPrefixedRequestsThatKeepTheirVersion) {
  store(OperationKind::set, "before", "1");
  start();
  ASSERT_TRUE(greets(1));
  const auto pass = greeted + "<copy,a:1>set before 0 0 1 1\r\n1\r\n";
  ASSERT_TRUE(receives(pass)) << received();
  peer_.say("STORED\r\n");
  ASSERT_TRUE(eventually([&] { return sender_->figures().state == ClusterState::stream; }));
  store(OperationKind::set, "before", "22");
  ASSERT_TRUE(receives(pass + "<copy,a:1>set before 0 0 2 2\r\n22\r\n")) << received();
  EXPECT_EQ(sender_->figures().lag_entries, 1U);
  peer_.say("NOT_STORED\r\n");
  EXPECT_TRUE(eventually([&] { return sender_->figures().lag_entries == 0; })) << "not newer is as it should be";
  EXPECT_EQ(sender_->figures().taken, 2U);
}

TEST_F(ClusterSenderTest, SendsAnOriginalPlainRequests) {
  start();
  ASSERT_TRUE(greets(1, "VERSION flare-1.3.4\r\n"));
  ASSERT_TRUE(eventually([&] { return sender_->figures().state == ClusterState::stream; }));
  store(OperationKind::set, "k", "v");
  store(OperationKind::remove, "k");
  ASSERT_TRUE(eventually([&] { return received().find("delete") != std::string::npos && received().ends_with("\n"); }));
  EXPECT_EQ(received(), greeted + "set k 0 0 1 1\r\nv\r\ndelete k 0 1\r\n");
  peer_.say("STORED\r\nDELETED\r\n");
  EXPECT_TRUE(eventually([&] { return sender_->figures().lag_entries == 0; }));
}

TEST_F(ClusterSenderTest, SendsOnANewConnectionWhatHadNoAnswer) {
  start();
  ASSERT_TRUE(greets(1));
  store(OperationKind::set, "k", "v");
  const auto request = greeted + "<copy,a:1>set k 0 0 1 1\r\nv\r\n";
  ASSERT_TRUE(receives(request)) << received();
  peer_.hang_up();
  ASSERT_TRUE(greets(2));
  ASSERT_TRUE(receives(request)) << received();
  EXPECT_NE(sender_->figures().error, "");
  peer_.say("STORED\r\n");
  EXPECT_TRUE(eventually([&] { return sender_->figures().lag_entries == 0 && sender_->figures().error.empty(); }));
}

TEST_F(ClusterSenderTest, TriesAgainWhatCannotBeDoneNowAndLeavesNothingOut) {
  start();
  ASSERT_TRUE(greets(1));
  store(OperationKind::set, "k", "v");
  for (std::size_t connection = 1; connection < 8; ++connection) {
    ASSERT_TRUE(receives(greeted + "<copy,a:1>set k 0 0 1 1\r\nv\r\n")) << received();
    peer_.say("SERVER_ERROR proxy failure\r\n");
    ASSERT_TRUE(greets(connection + 1));
  }
  EXPECT_EQ(sender_->figures().left_out, 0U);
  EXPECT_EQ(sender_->figures().lag_entries, 1U);
}

TEST_F(ClusterSenderTest, LeavesOutWhatIsTooLargeThereAndWhatIsNeverUnderstoodButNothingElse) {
  start();
  ASSERT_TRUE(greets(1));
  ASSERT_TRUE(eventually([&] { return sender_->figures().state == ClusterState::stream; }));
  store(OperationKind::set, "large", "v");
  ASSERT_TRUE(eventually([&] { return received().ends_with("v\r\n"); }));
  peer_.say("SERVER_ERROR object too large for cache\r\n");
  ASSERT_TRUE(eventually([&] { return sender_->figures().left_out == 1 && sender_->figures().lag_entries == 0; }));

  store(OperationKind::set, "odd", "v");
  ASSERT_TRUE(eventually([&] { return received().ends_with("set odd 0 0 1 1\r\nv\r\n"); }));
  store(OperationKind::set, "good", "v");
  peer_.say("CLIENT_ERROR bad key\r\n");
  const auto odd = greeted + "<copy,a:1>set odd 0 0 1 1\r\nv\r\n";
  ASSERT_TRUE(greets(2));
  ASSERT_TRUE(receives(odd)) << "asked once more, alone: " << received();
  peer_.say("CLIENT_ERROR bad key\r\n");
  ASSERT_TRUE(greets(3));
  ASSERT_TRUE(receives(greeted + "<copy,a:1>set good 0 0 1 1\r\nv\r\n")) << received();
  peer_.say("STORED\r\n");
  EXPECT_TRUE(eventually([&] { return sender_->figures().left_out == 2 && sender_->figures().lag_entries == 0; }));
}

TEST_F(ClusterSenderTest, GoesOnFromItsFileAndSendsAllWhereTheLogIsTooShort) {
  store(OperationKind::set, "old", "v");
  store(OperationKind::set, "new", "v");
  auto position = storage_.position();
  position.sequence = Sequence{1};
  ASSERT_TRUE(ClusterPositionFile{folder_}.write({"127.0.0.1:" + std::to_string(peer_.port()), position}));
  start();
  ASSERT_TRUE(greets(1));
  ASSERT_TRUE(receives(greeted + "<copy,a:1>set new 0 0 1 1\r\nv\r\n")) << received();
  EXPECT_EQ(sender_->figures().full_passes, 0U);
  peer_.say("STORED\r\n");
  ASSERT_TRUE(eventually([&] { return sender_->figures().lag_entries == 0; }));
  peer_.hang_up();
  store(OperationKind::set, "newest", "v");
  storage_.drop_log(Sequence{3});
  ASSERT_TRUE(greets(2));
  EXPECT_TRUE(eventually([&] { return received().ends_with("set old 0 0 1 1\r\nv\r\n"); })) << received();
  EXPECT_EQ(sender_->figures().full_passes, 1U);
  EXPECT_EQ(sender_->figures().pass_records, 3U);
}

// docs/replication.md 7: the key lives on in another partition of this cluster.
TEST_F(ClusterSenderTest, SendsNoDropOfAKeyThatMovedToAnotherPartition) {
  start();
  ASSERT_TRUE(greets(1));
  ASSERT_TRUE(eventually([&] { return sender_->figures().state == ClusterState::stream; }));
  store(OperationKind::set, "moved", "v");
  const auto request = greeted + "<copy,a:1>set moved 0 0 1 1\r\nv\r\n";
  ASSERT_TRUE(receives(request)) << received();
  peer_.say("STORED\r\n");
  store(OperationKind::drop, "moved");
  store(OperationKind::set, "next", "v");
  ASSERT_TRUE(eventually([&] { return received().ends_with("set next 0 0 1 1\r\nv\r\n"); })) << received();
  EXPECT_EQ(received(), request + "<copy,a:1>set next 0 0 1 1\r\nv\r\n");
  peer_.say("STORED\r\n");
  EXPECT_TRUE(eventually([&] { return sender_->figures().lag_entries == 0; }));
  EXPECT_EQ(sender_->figures().left_out, 0U);
}

struct CopyCase {
  const char* name;
  const char* map;  // what the other cluster tells of itself
  bool comes_back;
};
class CopiedTouch : public ClusterSenderTest, public testing::WithParamInterface<CopyCase> {};

// docs/spec/cluster.md 7: two clusters that send to each other, or three in a row.
TEST_P(CopiedTouch, DoesNotGoBackToWhereItCameFrom) {
  constexpr std::int64_t later_s = 4'000'000'000;
  touches_.listen(true);
  start();
  ASSERT_TRUE(greets(1));
  ASSERT_TRUE(eventually([&] { return sender_->figures().state == ClusterState::stream; }));
  store(OperationKind::set, "k", "v");
  ASSERT_TRUE(eventually([&] { return received().ends_with("v\r\n"); }));
  peer_.say("STORED\r\n");
  ASSERT_TRUE(eventually([&] { return sender_->figures().lag_entries == 0; }));

  touches_.note("k", later_s, "z:9");
  store(OperationKind::touch, "k", {}, later_s);
  ASSERT_TRUE(eventually([&] { return received().ends_with("stats nodes\r\n"); })) << received();
  peer_.say(GetParam().map);
  const std::string copied = "<copy,a:1>touch k 4000000000\r\n";
  const std::string own = "<copy,a:1>touch k 4000000001\r\n";
  if (GetParam().comes_back) {
    ASSERT_TRUE(eventually([&] { return received().ends_with(copied); })) << received();
    peer_.say("TOUCHED\r\n");
  }
  store(OperationKind::touch, "k", {}, later_s + 1);
  ASSERT_TRUE(eventually([&] { return received().ends_with(own); })) << received();
  EXPECT_EQ(received().find(copied) != std::string::npos, GetParam().comes_back);
  peer_.say("TOUCHED\r\n");
  EXPECT_TRUE(eventually([&] { return sender_->figures().lag_entries == 0; }));
}

INSTANTIATE_TEST_SUITE_P(
    Cluster_7, CopiedTouch,
    testing::Values(CopyCase{"of_that_cluster", "STAT y:8:role master\r\nSTAT z:9:role slave\r\nEND\r\n", false},
                    CopyCase{"of_a_third_cluster", "STAT y:8:role master\r\nSTAT y:8:state active\r\nEND\r\n", true},
                    CopyCase{"of_who_knows_where", "CLIENT_ERROR access denied\r\n", false}),
    [](const auto& given) { return given.param.name; });

TEST(CopiedTouches, TellsEachOfThemOnceAndForgetsTheOldest) {
  CopiedTouches touches;
  touches.note("k", 1, "z:9");
  EXPECT_FALSE(touches.take("k", 1)) << "nobody listens";
  touches.listen(true);
  touches.note("k", 1, "z:9");
  EXPECT_FALSE(touches.take("k", 2));
  EXPECT_FALSE(touches.take("j", 1));
  EXPECT_EQ(touches.take("k", 1), "z:9");
  EXPECT_FALSE(touches.take("k", 1));
  touches.clear();
  for (std::size_t i = 0; i <= CopiedTouches::kept_max; ++i) touches.note("k", static_cast<std::int64_t>(i), "z:9");
  EXPECT_FALSE(touches.take("k", 0));
  EXPECT_TRUE(touches.take("k", 1));
  touches.listen(false);
  EXPECT_FALSE(touches.take("k", 2));
}

}  // namespace
}  // namespace flare
