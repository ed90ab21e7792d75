// docs/spec/cluster.md 5.3, 6.1, docs/replication.md 5: what goes to and comes from originals.
#include "flared/replication/original_forms.h"

#include <gtest/gtest.h>

#include <tuple>
#include <utility>

#include "flared/replication/dump_reader.h"
#include "flared/replication/dump_starts.h"
#include "flared/replication/replicated_writes.h"
#include "flared/storage/memory_storage.h"

namespace flare {
namespace {

constexpr std::int64_t now_s = 1'800'000'000;

std::string form(const LogEntry& entry) {
  std::string out;
  append_original_form(out, entry, "a:1", now_s);
  return out;
}

TEST(OriginalForms, AreWholeValuesWithVersionsAndTouchesWithout) {
  EXPECT_EQ(form({.kind = EntryKind::set, .key = "k", .version = RecordVersion{5}, .flags = 7, .data = "abc"}),
            "<a:1>set k 7 0 3 5\r\nabc\r\n");
  EXPECT_EQ(form({.kind = EntryKind::touch, .key = "k", .version = RecordVersion{5}, .expire_s = 1795522008}),
            "<a:1>touch k 1795522008\r\n");
  EXPECT_EQ(form({.kind = EntryKind::remove, .key = "k", .version = RecordVersion{5}}), "<a:1>delete k 0 5\r\n");
  EXPECT_EQ(form({.kind = EntryKind::flush}), "flush_all\r\n");
}

TEST(OriginalForms, HoldOfADeletionGoesAlongWhileItLasts) {
  const LogEntry held{.kind = EntryKind::remove, .key = "k", .version = RecordVersion{5}, .expire_s = now_s + 10};
  EXPECT_EQ(form(held), "<a:1>delete k 1800000010 5\r\n");
  const LogEntry over{.kind = EntryKind::remove, .key = "k", .version = RecordVersion{5}, .expire_s = now_s - 10};
  EXPECT_EQ(form(over), "<a:1>delete k 0 5\r\n");
}

TEST(OriginalForms, NoTimeIsSmallEnoughToBeTakenForRelative) {
  EXPECT_EQ(original_expire_s(0), 0);
  EXPECT_EQ(original_expire_s(-1), 2592001);
  EXPECT_EQ(original_expire_s(1), 2592001);
  EXPECT_EQ(original_expire_s(now_s), now_s);
}

TEST(OriginalForms, KeysThatAreNoWordAreNotTold) {
  for (const std::string_view key : {"", "a b", "a\r", "a\n"}) EXPECT_FALSE(original_knows_key(key)) << key;
  EXPECT_FALSE(original_knows_key(std::string(8192, 'k')));
  EXPECT_TRUE(original_knows_key("<k>\t\x80"));
}

TEST(OriginalForms, AnswersAreTakenRefusedOrUnexpected) {
  for (const auto* line : {"STORED", "NOT_STORED", "DELETED", "NOT_FOUND", "TOUCHED", "OK"}) {
    EXPECT_EQ(judge_original_answer(line), OriginalAnswer::taken) << line;
  }
  EXPECT_EQ(judge_original_answer("SERVER_ERROR i/o error"), OriginalAnswer::refused);
  for (const auto* line : {"", "ERROR", "END", "CLIENT_ERROR bad data chunk", "STORED "}) {
    EXPECT_EQ(judge_original_answer(line), OriginalAnswer::unexpected) << line;
  }
}

// Every piece that a dump consists of, in pieces of each length.
TEST(DumpReader, ReadsEntriesInAnyPieces) {
  const std::string dump = "VALUE key1 7 3 1 0\r\nabc\r\nVALUE key2 0 2 9 1795522008\r\n\r\n\r\nEND\r\n";
  for (std::size_t piece = 1; piece <= dump.size(); ++piece) {
    const DumpReader reader;
    std::string buffer;
    std::string told;
    for (std::size_t at = 0; at < dump.size(); at += piece) {
      buffer += dump.substr(at, piece);
      std::string_view unread{buffer};
      for (;;) {
        const auto next = reader.next(unread);
        ASSERT_TRUE(next);
        if (!*next) break;
        if (const auto* record = std::get_if<DumpReader::Record>(&**next)) {
          told += std::string{record->key} + " " + std::to_string(raw(record->record.version)) + " " +
                  std::to_string(record->record.expire_s) + " " + std::to_string(record->record.data.size()) + ";";
        } else {
          told += "end";
        }
      }
      buffer.erase(0, buffer.size() - unread.size());
    }
    EXPECT_EQ(told, "key1 1 0 3;key2 9 1795522008 2;end") << piece;
  }
}

TEST(DumpReader, TellsABusySource) {
  std::string_view unread{"SERVER_ERROR database busy\r\n"};
  const auto next = DumpReader{}.next(unread);
  ASSERT_TRUE(next && *next);
  EXPECT_TRUE(std::holds_alternative<DumpReader::Busy>(**next));
}

TEST(DumpReader, RefusesWhatIsNoDump) {
  for (const std::string_view line :
       {"SERVER_ERROR iteration canceled\r\n", "ERROR\r\n", "VALUE k 0 3 1\r\nabc\r\n", "VALUE k 0 x 1 0\r\n",
        "VALUE k 0 3 1 0 9\r\nabc\r\n", "VALUE k 0 3 1 0\r\nabcd\r\n", "VALUE k 0 99 1 0\r\n", "KEY k\r\n"}) {
    auto unread = line;
    EXPECT_FALSE(DumpReader{10}.next(unread)) << line;
  }
}

TEST(DumpStarts, EarliestOfTheLastSecondsCounts) {
  DumpStarts starts;
  const DumpStarts::TimePoint begin{};
  starts.note(Sequence{5}, begin);
  starts.note(Sequence{9}, begin + std::chrono::seconds{10});
  EXPECT_EQ(starts.earliest(begin + std::chrono::seconds{11}), Sequence{5});
  EXPECT_EQ(starts.earliest(begin + std::chrono::seconds{20}), Sequence{9});
  EXPECT_EQ(starts.earliest(begin + std::chrono::seconds{60}), std::nullopt);
}

class Replicated : public testing::Test {
 protected:
  Request request(Command command, std::uint64_t version, std::string_view prefix = "c:1,m:1") {
    Request made;
    made.command = command;
    made.proxied = true;
    made.prefix = prefix;
    made.key = "k";
    made.data = "new";
    made.version = version;
    return made;
  }
  std::uint64_t version() {
    class Look final : public RecordSink {
     public:
      void record(std::string_view, const RecordView& record) override { version = raw(record.version); }
      std::uint64_t version = 0;
    } look;
    std::ignore = storage_.get("k", now_s, look);
    return look.version;
  }

  MemoryStorage storage_;
  ReplicatedWrites writes_{storage_};
};

TEST_F(Replicated, OnlyTheMastersFormsAreTaken) {
  EXPECT_FALSE(writes_.take(request(Command::set, 5), now_s)) << "nobody is followed";
  writes_.open(NodeKey{"m:1"});
  EXPECT_FALSE(writes_.take(request(Command::set, 5, "m:1,c:1"), now_s)) << "the last name counts";
  EXPECT_FALSE(writes_.take(request(Command::set, 0), now_s)) << "a forwarded write of a client";
  EXPECT_FALSE(writes_.take(request(Command::append, 5), now_s));
  EXPECT_FALSE(writes_.take(request(Command::incr, 0), now_s));
  EXPECT_TRUE(writes_.take(request(Command::set, std::uint64_t{1} << 60), now_s));
  EXPECT_EQ(version(), std::uint64_t{1} << 60);
  writes_.close();
  EXPECT_FALSE(writes_.take(request(Command::remove, 1), now_s));
}

TEST_F(Replicated, WritesDuringADumpBeatIt) {
  writes_.open(NodeKey{"m:1"});
  auto begun = storage_.begin_replacement(0);
  ASSERT_TRUE(begun);
  const auto replacement = std::move(*begun);
  writes_.build_into(replacement.get());
  ASSERT_TRUE(writes_.take(request(Command::set, 5), now_s));
  ASSERT_TRUE(writes_.take(request(Command::remove, 5), now_s));
  const RecordView dumped{0, 0, RecordVersion{4}, "old"};
  ASSERT_TRUE(replacement->put_newer("k", dumped));
  writes_.hold();
  ASSERT_TRUE(replacement->commit({LogId{7}, Epoch{1}, Sequence{0}}, {}));
  EXPECT_TRUE(writes_.release());
  EXPECT_EQ(version(), 0U) << "cluster.md 6.1: the remembered version counts";
}

TEST_F(Replicated, WhatComesDuringTheSwapIsNotLost) {
  writes_.open(NodeKey{"m:1"});
  auto begun = storage_.begin_replacement(0);
  ASSERT_TRUE(begun);
  const auto replacement = std::move(*begun);
  writes_.build_into(replacement.get());
  writes_.hold();
  ASSERT_TRUE(writes_.take(request(Command::set, 5), now_s));
  ASSERT_TRUE(replacement->commit({LogId{7}, Epoch{1}, Sequence{0}}, {}));
  EXPECT_EQ(version(), 0U);
  EXPECT_TRUE(writes_.release());
  EXPECT_EQ(version(), 5U);
}

}  // namespace
}  // namespace flare
