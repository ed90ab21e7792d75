#pragma once

#include <cstddef>
#include <string_view>

#include "common/base/limits.h"
#include "common/protocol/output_buffer.h"
#include "common/protocol/reply_writer.h"
#include "flared/storage/storage.h"

namespace flare {

/// Copies a record from the store's memory into the output: the one copy that a value takes.
class ValueWriter final : public RecordSink {
 public:
  /// `hidden_bytes`: of the key, its door's key-prefix.
  ValueWriter(OutputBuffer& out, bool with_version, std::size_t answer_bytes_max, std::size_t hidden_bytes = 0)
      : out_(out), with_version_(with_version), answer_bytes_max_(answer_bytes_max), hidden_bytes_(hidden_bytes) {}
  void record(std::string_view key, const RecordView& record) override {
    if (out_.size() > limits::turn_output_bytes_max && out_.size() + record.data.size() > answer_bytes_max_) {
      full_ = true;
      return;
    }
    key.remove_prefix(hidden_bytes_);
    if (with_version_) {
      append_value_with_version(out_, key, record.flags, record.data, raw(record.version));
    } else {
      append_value(out_, key, record.flags, record.data);
    }
  }
  /// A value was left out: with it the answer would be larger than an answer may be.
  bool full() const { return full_; }

 private:
  OutputBuffer& out_;
  bool with_version_;
  std::size_t answer_bytes_max_;
  std::size_t hidden_bytes_;
  bool full_ = false;
};

}  // namespace flare
