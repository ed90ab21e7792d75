#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "flared/storage/record.h"

/// What a write does to one record: the rules of docs/spec/protocol.md 3, as pure functions.
namespace flare {

enum class OperationKind : std::uint8_t {
  set,
  add,
  replace,
  append,
  prepend,
  cas,
  incr,
  decr,
  remove,
  touch,
  gat,
  fetch,       // mg with N or T: shows the record to the sink, touches it, creates it
  invalidate,  // md with I: the record stays, with the next version
  reclaim,
  drop  // the key is another partition's now: removed without a deletion to remember, logged with version 0
};

/// The record that an operation makes of a key that is gone (mg N, ma N, the binary initial value). Its flags are the
/// operation's.
struct Creation {
  std::string_view data;  // incr, decr: the digits of the initial value, which is the answer
  std::int64_t expire_s;  // absolute, 0 = never
};

/// A client's write, or the sweep's `reclaim`, which removes an entry only if it is expired. The views point into the
/// request and live as long as the call.
///
/// `compare` is memcached's compare-and-swap: the present version must equal it, else `exists`. cas needs one; append,
/// prepend, incr, decr, remove, invalidate, touch and gat obey one. A key that is not alive answers as without it, and
/// is created if `creation` says so. It means nothing to set, add, replace and fetch: a caller does as
/// memcached 1.6.18:
/// - `ms C` and `ms MR C` are a cas: not_found if absent, exists if different;
/// - `ms ME C` is an add without compare: stored if absent, not_stored if present, whatever C says; `mg C` is a get;
/// - C0 is a compare for ms and md (never equal to a version), none for ma;
/// - binary set, add and replace with a cas other than 0 are a cas; touch and gat, as get, ignore it;
/// - `I` of ms without C, or with append and prepend, changes nothing.
struct Operation {
  OperationKind kind = OperationKind::set;
  std::string_view key = {};
  std::string_view data = {};     // set family
  std::uint32_t flags = 0;        // set, add, replace, cas; of what is created
  std::int64_t expire_s = 0;      // absolute, 0 = never; set family, touch, gat
  RecordVersion version{0};       // 0 = none; the version that a record gets, not for cas
  bool any_version = false;       // restored or copied: however far above the present one
  bool copied = false;            // from another cluster: older than a remembered deletion is older, too
  std::uint64_t delta = 0;        // incr, decr
  std::int64_t hold_until_s = 0;  // remove: absolute, 0 = now
  bool limited = false;           // the store's quota holds for it

  std::optional<RecordVersion> compare = {};
  // ms C I, for cas: a `compare` below the present version stores all the same.
  bool stale_if_older = false;
  // fetch, incr, decr.
  std::optional<Creation> creation = {};
  // Absolute; mg T, ma T (also for what is created), md I T.
  std::optional<std::int64_t> new_expire_s = {};
};

enum class OutcomeKind : std::uint8_t {
  stored,
  not_stored,
  exists,
  not_found,
  deleted,
  touched,
  number,
  non_numeric,       // incr or decr of a value that is no number (memcached's rule, design.md 1)
  version_too_high,  // a fifth number above present + 2^32 (design.md 1)
  too_large,         // append or prepend beyond the value limit
};

/// What the store knows of a key before the write.
struct Present {
  std::optional<RecordView> record = {};  // also when expired
  RecordVersion remembered_version{0};    // of a remembered deletion
  std::int64_t remembered_until_s = 0;    // its hold; in the future: held
  RecordVersion version_floor{0};         // no version given here is below (docs/replication.md 6)
};

enum class ChangeKind : std::uint8_t { none, store, touch, remove, remember };

/// What has to be written. The data of a record is `head` then `tail` (append and prepend join two pieces).
struct Change {
  ChangeKind kind = ChangeKind::none;
  std::uint32_t flags = 0;
  std::int64_t expire_s = 0;
  RecordVersion version{0};
  std::string_view head = {};
  std::string_view tail = {};
  std::int64_t hold_until_s = 0;  // remove, remember
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::not_stored;
  std::uint64_t number = 0;          // incr, decr: the result
  RecordVersion version{0};          // of the record after the operation
  std::int64_t expire_s = 0;         // likewise; 0 also if there is none
  std::int64_t former_expire_s = 0;  // incr, decr: before `new_expire_s` took effect
  bool created = false;              // by `creation`
  bool unchanged = false;            // touched, to the time that it had: nothing is written
  bool stale = false;                // stored though `compare` was older, or invalidated: to be marked (item_marks.h)
};

struct Decision {
  Outcome outcome;
  Change change;
  std::optional<RecordView> shown = {};  // gat, fetch: what the sink is shown; by fetch with the expire_s before T
};

/// Room for the decimal text of incr and decr, which `Change::head` then points to.
struct NumberText {
  char digits[20];
};

/// A record of a dump: taken only if its version is newer than what is there, a remembered deletion counted
/// (docs/spec/cluster.md 6.1).
Change decide_dumped(const RecordView& record, const Present& present);

Decision decide(const Operation& operation, const Present& present, std::int64_t now_s, std::size_t data_bytes_max,
                NumberText& number);

}  // namespace flare
