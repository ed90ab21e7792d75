#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "flare_bench/batch.h"

namespace flare::bench {

/// When requests may begin. Pure: the time is passed in.
class Pace {
 public:
  virtual ~Pace() = default;
  /// A request begins now, on a connection that is free: where its latency begins. None: not now.
  virtual std::optional<TimePoint> take(TimePoint now) = 0;
  /// When the next one may begin, if that depends on time alone.
  [[nodiscard]] virtual std::optional<TimePoint> next_due() const = 0;
  /// No request begins any more.
  [[nodiscard]] virtual bool over(TimePoint now) const = 0;
  /// Requests that were due and never began.
  [[nodiscard]] virtual std::uint64_t unsent() const = 0;
};

constexpr std::uint64_t no_request_bound = std::numeric_limits<std::uint64_t>::max();

/// Closed loop: a connection that has its answers sends again, until `end` or so many requests.
class ClosedLoop final : public Pace {
 public:
  ClosedLoop(TimePoint end, std::uint64_t requests) : end_{end}, left_{requests} {}

  std::optional<TimePoint> take(TimePoint now) override;
  [[nodiscard]] std::optional<TimePoint> next_due() const override { return std::nullopt; }
  [[nodiscard]] bool over(TimePoint now) const override { return left_ == 0 || now >= end_; }
  [[nodiscard]] std::uint64_t unsent() const override { return 0; }

 private:
  TimePoint end_;
  std::uint64_t left_;
};

/// Open loop: requests are due at a fixed rate, whatever became of those before. One that finds no free connection
/// waits, and its latency counts from when it was due. What has not begun `grace` after the last is due is given up.
class OpenLoop final : public Pace {
 public:
  OpenLoop(TimePoint start, double per_second, std::uint64_t requests, Clock::duration grace);

  std::optional<TimePoint> take(TimePoint now) override;
  [[nodiscard]] std::optional<TimePoint> next_due() const override;
  [[nodiscard]] bool over(TimePoint now) const override;
  [[nodiscard]] std::uint64_t unsent() const override { return requests_ - taken_; }

 private:
  [[nodiscard]] TimePoint due(std::uint64_t number) const;

  TimePoint start_;
  double gap_ns_;
  std::uint64_t requests_;
  Clock::duration grace_;
  std::uint64_t taken_ = 0;
};

}  // namespace flare::bench
