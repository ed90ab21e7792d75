#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/net/task.h"
#include "common/protocol/output_buffer.h"
#include "common/protocol/reply_writer.h"
#include "flared/connection_memory.h"

namespace flare {

/// Turns an answer as another node or the control thread gives it into the form in which the client asked.
class AnswerForm {
 public:
  virtual ~AnswerForm() = default;
  virtual void append(OutputBuffer& out, std::string_view answer) const = 0;
};

/// The answers of one turn that others give: other nodes, or the control thread. Each has a place in the turn's output,
/// so that a session's answers keep the order of its requests. Belongs to its worker's thread.
class AwaitedAnswers {
 public:
  /// `memory`: what answers beyond `free_bytes` are counted in; null: they are not bounded.
  explicit AwaitedAnswers(IoExecutor executor, MemoryAccount* memory = nullptr) : wake_(executor), memory_(memory) {}
  ~AwaitedAnswers() { give_memory(); }
  AwaitedAnswers(const AwaitedAnswers&) = delete;
  AwaitedAnswers& operator=(const AwaitedAnswers&) = delete;

  /// A place at `offset` of the turn's output.
  std::uint32_t reserve(std::size_t offset) {
    places_.push_back({offset});
    ++missing_;
    return places() - 1;
  }
  /// The END of a get whose keys have the places from `first_key` on: the failure of one of them takes its stead.
  void reserve_end(std::size_t offset, std::uint32_t first_key) { places_.push_back({offset, 0, 0, {}, first_key}); }
  std::uint32_t places() const { return static_cast<std::uint32_t>(places_.size()); }

  /// Exactly once for each place; empty where nothing is to be said (noreply, a miss). `form` may be null: as it is.
  void fill(std::uint32_t place, std::string_view answer, const AnswerForm* form = nullptr) {
    places_[place].begin = bytes_.size();
    if (!has_room(answer.size())) {
      overflowed_ = true;
    } else if (form) {
      form->append(bytes_, answer);
    } else {
      bytes_.append(answer);
    }
    places_[place].size = bytes_.size() - places_[place].begin;
    if (--missing_ == 0) wake_.cancel();
  }

  /// In place of `fill`, for a key of a get that could not be read. `why`: a constant line.
  void fail_key(std::uint32_t place, std::string_view why) {
    places_[place].failure = why;
    fill(place, {});
  }

  /// While a session waits for them: whether its client has gone, so that what is not sent yet may be dropped.
  void watch_asker(std::function<bool()> left) { asker_left_ = std::move(left); }
  bool asker_left() const { return asker_left_ && asker_left_(); }

  /// None of the answers may be given: what they tell of is not safe.
  void lose() { lost_ = true; }
  bool lost() const { return lost_; }

  /// None of the answers may be given; this is said in their stead.
  void replace(std::string_view whole) { instead_.emplace(whole); }

  bool complete() const { return missing_ == 0; }
  /// There was no memory for an answer: what `merge` gives is not what was asked for.
  bool overflowed() const { return overflowed_; }
  /// As new, for another turn; a usual turn's room is kept. Nobody else may know it any more.
  void begin_again() {
    give_memory();
    bytes_.clear_and_shrink(kept_bytes_max);
    places_.clear();
    if (places_.capacity() > kept_places_max) places_ = {};
    missing_ = 0;
    overflowed_ = lost_ = false;
    asker_left_ = nullptr;
    instead_.reset();
  }

  /// `while (!complete()) co_await filled()`: whoever reserved a place keeps a deadline and fills it.
  auto filled() {
    wake_.expires_at(Timer::time_point::max());
    return wake_.async_wait(use_task);
  }

  /// `local` with each answer in its place.
  void merge(std::string_view local, OutputBuffer& out) const {
    if (instead_) return out.append(*instead_);
    std::size_t done = 0;
    for (const auto& place : places_) {
      out.append(local.substr(done, place.offset - done));
      out.append(place.first_key ? end_line(*place.first_key, place) : bytes_.view().substr(place.begin, place.size));
      done = place.offset;
    }
    out.append(local.substr(done));
  }

 private:
  static constexpr std::size_t free_bytes = 64 * 1024;
  static constexpr std::size_t kept_bytes_max = 16 * 1024;
  static constexpr std::size_t kept_places_max = 256;

  void give_memory() {
    if (held_bytes_ > 0) memory_->give(held_bytes_);
    held_bytes_ = 0;
  }

  bool has_room(std::size_t more) {
    if (!memory_) return true;
    const auto whole = bytes_.size() + more;
    if (overflowed_ || whole <= free_bytes + held_bytes_) return !overflowed_;
    if (bytes_.size() > limits::turn_output_bytes_max && whole > memory_->all().answer_bytes_max()) return false;
    const auto missing = whole - held_bytes_;
    if (!memory_->take(missing)) return false;
    held_bytes_ += missing;
    return true;
  }

  struct Place {
    std::size_t offset;
    std::size_t begin = 0;
    std::size_t size = 0;
    std::string_view failure{};
    std::optional<std::uint32_t> first_key{};  // of the get whose END this is
  };

  std::string_view end_line(std::uint32_t first_key, const Place& end) const {
    for (const auto* key = &places_[first_key]; key != &end; ++key) {
      if (!key->failure.empty()) return key->failure;
    }
    return reply::end;
  }

  Timer wake_;
  std::vector<Place> places_;
  OutputBuffer bytes_;
  std::size_t missing_ = 0;
  MemoryAccount* memory_;  // outlives it
  std::size_t held_bytes_ = 0;
  bool overflowed_ = false;
  bool lost_ = false;
  std::function<bool()> asker_left_;
  std::optional<std::string> instead_;
};

/// A VALUE line of a store's key as a client of a door with a key-prefix gets it; other answers as they are. A key
/// without that prefix is nobody's that asks there: it is not told.
class WithoutKeyPrefix final : public AnswerForm {
 public:
  explicit WithoutKeyPrefix(std::string_view prefix) : prefix_(prefix) {}
  void append(OutputBuffer& out, std::string_view answer) const override {
    constexpr std::string_view word = "VALUE ";
    if (!answer.starts_with(word)) return out.append(answer);
    answer.remove_prefix(word.size());
    if (!answer.starts_with(prefix_)) return;
    out.append(word);
    out.append(answer.substr(prefix_.size()));
  }

 private:
  std::string_view prefix_;
};

/// Where a request's answer goes, and in which form; no form: as it is.
struct AnswerPlace {
  std::shared_ptr<AwaitedAnswers> answers;
  std::uint32_t place = 0;
  std::shared_ptr<const AnswerForm> form = nullptr;
  bool tells_failure = false;     // option proxy-read-error: a key that could not be read is not told as a miss
  std::string_view key_prefix{};  // of the door where the client came in, which it does not see; outlives the place

  /// One line, or one value.
  void fill(std::string_view answer) const {
    if (form || key_prefix.empty()) return answers->fill(place, answer, form.get());
    const WithoutKeyPrefix shown{key_prefix};
    answers->fill(place, answer, &shown);
  }
  /// A key that could not be read. `why`: a constant line.
  void fail_read(std::string_view why) const {
    tells_failure ? fail_damaged(why) : fill({});  // cluster.md 5.1: absent
  }
  /// A key that is there and cannot be read is never told as a miss (daemons.md 3.5). `why`: a constant line.
  void fail_damaged(std::string_view why) const { form ? fill(why) : answers->fail_key(place, why); }
};

/// A worker's, used again: a turn that sends requests on allocates none.
class AwaitedPool {
 public:
  AwaitedPool(IoExecutor executor, MemoryAccount& memory) : executor_(executor), memory_(memory) {}

  std::shared_ptr<AwaitedAnswers> borrow() {
    if (free_.empty()) return std::make_shared<AwaitedAnswers>(executor_, &memory_);
    auto answers = std::move(free_.back());
    free_.pop_back();
    return answers;
  }
  void give_back(std::shared_ptr<AwaitedAnswers> answers) {
    if (answers.use_count() > 1 || free_.size() >= kept_max) return;  // who still knows it may not see another turn's
    answers->begin_again();
    free_.push_back(std::move(answers));
  }

 private:
  static constexpr std::size_t kept_max = 64;

  IoExecutor executor_;
  MemoryAccount& memory_;
  std::vector<std::shared_ptr<AwaitedAnswers>> free_;
};

}  // namespace flare
