#include "flared/item_execution.h"

#include "common/protocol/item_answer.h"
#include "flared/item_operations.h"

namespace flare {
namespace {

/// Under the record's lock: makes the marks follow the versions, and writes the answer of a get in one copy.
class ItemSink final : public RecordSink {
 public:
  ItemSink(const ItemPlace& place, const ItemRequest& request, OutputBuffer& out)
      : place_(place), request_(request), out_(out) {}

  void executed(std::string_view key, const Outcome& outcome) override {
    created_ = outcome.created;
    if (!outcome.stale) return;
    if (request_.verb == ItemVerb::remove) {
      place_.marks.mark_stale(key, outcome.version);
    } else {
      place_.marks.mark_stored_stale(key, outcome.version);
    }
  }

  void record(std::string_view key, const RecordView& record) override {
    auto result = to_result(request_, record);  // by fetch: as it was before T
    if (request_.sees_marks) add_marks(key, record, result);
    count(place_.counters, request_, result);
    append_item_answer(out_, request_, result, place_.now_s);
    answered_ = true;
  }

  bool answered() const { return answered_; }

 private:
  void add_marks(std::string_view key, const RecordView& record, ItemResult& result) {
    const auto chance = chance_of(record);
    if (chance == ItemMarks::Chance::none && place_.marks.empty()) return;
    const auto marks = place_.marks.look(key, record.version, chance);
    result.stale = marks.stale;
    result.token_sent = marks.token_sent;
    result.won = marks.won;
  }

  ItemMarks::Chance chance_of(const RecordView& record) const {
    if (created_) return ItemMarks::Chance::created;
    if (!request_.recache_s || record.expire_s == 0) return ItemMarks::Chance::none;
    const bool soon = record.expire_s - place_.now_s < *request_.recache_s;
    return soon ? ItemMarks::Chance::recache : ItemMarks::Chance::none;
  }

  const ItemPlace& place_;
  const ItemRequest& request_;
  OutputBuffer& out_;
  bool created_ = false;
  bool answered_ = false;
};

void answer(const ItemPlace& place, const ItemRequest& request, const ItemResult& result, OutputBuffer& out) {
  count(place.counters, request, result);
  append_item_answer(out, request, result, place.now_s);
}

Result<void, StorageError> read(const ItemPlace& place, const ItemRequest& request, OutputBuffer& out) {
  ItemSink sink{place, request, out};
  const auto found = place.storage.get(request.key, place.now_s, sink);
  if (!found) return found.error();
  if (!sink.answered()) answer(place, request, with_status(ItemStatus::missing), out);
  return {};
}

}  // namespace

Result<void, StorageError> execute_item(const ItemPlace& place, const ItemRequest& request, OutputBuffer& out) {
  if (!changes_entry(request)) return read(place, request, out);
  NumberText number;
  auto operation = to_operation(request, place.now_s, number);
  operation.limited = place.limited;
  ItemSink sink{place, request, out};
  const auto outcome = place.storage.execute(operation, place.now_s, &sink);
  if (!outcome) return outcome.error();
  if (!sink.answered()) answer(place, request, to_result(request, *outcome), out);
  return {};
}

}  // namespace flare
