// A turn whose answers wait until all copies that could be promoted have what they tell of (docs/replication.md 9).
#include <utility>

#include "common/protocol/reply_writer.h"
#include "flared/sync_gate.h"
#include "flared/turn.h"
#include "flared/worker.h"

namespace flare {

// Refused before anything is done: with fewer copies than min-sync-replicas nothing could be promised.
bool Turn::may_write(const Request& request) {
  if (!is_sync_write(request, sync_mode_) || !worker_.setup().gate) return true;
  if (!worker_.setup().gate->may_begin()) return false;
  wait_for_commit();
  return true;
}

void Turn::wait_for_commit() {
  if (waits_for_commit_) return;
  waits_for_commit_ = true;
  late_covers_all_ = sync_mode_ || (output_->size() == 0 && !awaited_);
}

// What is said in place of this request's answer, if the turn's answers may not be given: outcome unknown.
void Turn::note_late(const Request& request) {
  if (request.noreply || after_ != After::go_on) return;
  say_to(late(), request, reply::replication_timeout);
}

OutputBuffer& Turn::late() {
  if (!late_) late_ = std::make_unique<OutputBuffer>();
  return *late_;
}

void Turn::await_commit() {
  auto& setup = worker_.setup();
  if ((output_->size() == 0 && !awaited_) || setup.gate->reached(setup.storage.written_sequence())) return;
  auto place = await();
  std::string late{late_ ? late_->view() : std::string_view{}};
  auto fill = [place = std::move(place), late = std::move(late), covers_all = late_covers_all_](bool committed) {
    if (!committed && covers_all) place.answers->replace(late);
    if (!committed && !covers_all) place.answers->lose();  // answers to what came before the word: nobody can tell
    place.fill({});
  };
  when_committed(worker_, std::move(fill));
}

}  // namespace flare
