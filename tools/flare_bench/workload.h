#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "flare_bench/key_ledger.h"
#include "flare_bench/request_writer.h"
#include "flare_bench/shape.h"

namespace flare::bench {

/// Where requests come from.
class RequestSource {
 public:
  virtual ~RequestSource() = default;
  /// Appends one request; false when there is none left.
  virtual bool append(TimePoint from, Batch& batch) = 0;
};

/// Gets and sets of random keys, as the shape wants them, without end.
class Workload final : public RequestSource {
 public:
  /// Throws std::invalid_argument if there are too few keys for so many requests on the way at a time.
  Workload(const Shape& shape, std::uint32_t keys, std::uint64_t requests_at_a_time, std::uint64_t seed,
           KeyLedger& ledger, RequestWriter& writer);

  bool append(TimePoint from, Batch& batch) override;

 private:
  [[nodiscard]] bool sets_next();
  void append_get(TimePoint from, Batch& batch);
  [[nodiscard]] KeyIndex key_to_set();
  std::uint32_t below(std::uint64_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  const Shape& shape_;
  std::uint32_t keys_;
  std::mt19937_64 random_;
  KeyLedger& ledger_;
  RequestWriter& writer_;
  std::vector<KeyIndex> chosen_{};
};

/// A set of each key, in turn.
class Fill final : public RequestSource {
 public:
  Fill(std::uint32_t keys, RequestWriter& writer) : keys_{keys}, writer_{writer} {}
  bool append(TimePoint from, Batch& batch) override;
  [[nodiscard]] bool ended() const { return next_ == keys_; }

 private:
  std::uint32_t keys_;
  std::uint32_t next_ = 0;
  RequestWriter& writer_;
};

/// So many gets of the first key: whoever is asked has taken the connection.
class Greeting final : public RequestSource {
 public:
  Greeting(std::size_t connections, RequestWriter& writer) : left_{connections}, writer_{writer} {}
  bool append(TimePoint from, Batch& batch) override;

 private:
  std::size_t left_;
  RequestWriter& writer_;
};

}  // namespace flare::bench
