#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <utility>

#include "common/base/log_spdlog.h"
#include "common/base/printable.h"

namespace flare {
namespace {

std::string_view level_name(Log::Level level) {
  switch (level) {
    case Log::Level::error:
      return "ERR";
    case Log::Level::warning:
      return "WRN";
    case Log::Level::notice:
      return "NTC";
  }
  return "";
}

spdlog::level::level_enum spdlog_level(Log::Level level) {
  switch (level) {
    case Log::Level::error:
      return spdlog::level::err;
    case Log::Level::warning:
      return spdlog::level::warn;
    case Log::Level::notice:
      return spdlog::level::info;
  }
  return spdlog::level::info;
}

int facility_number(std::string_view name) {
  constexpr auto facilities = std::to_array<std::pair<std::string_view, int>>({{"auth", LOG_AUTH},
                                                                               {"daemon", LOG_DAEMON},
                                                                               {"user", LOG_USER},
                                                                               {"local0", LOG_LOCAL0},
                                                                               {"local1", LOG_LOCAL1},
                                                                               {"local2", LOG_LOCAL2},
                                                                               {"local3", LOG_LOCAL3},
                                                                               {"local4", LOG_LOCAL4},
                                                                               {"local5", LOG_LOCAL5},
                                                                               {"local6", LOG_LOCAL6},
                                                                               {"local7", LOG_LOCAL7}});
  for (const auto& [word, number] : facilities) {
    if (word == name) return number;
  }
  return LOG_USER;  // options refuse other words before
}

int syslog_priority(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return LOG_ERR;
  return level == spdlog::level::warn ? LOG_WARNING : LOG_NOTICE;
}

/// In place of spdlog's own syslog sink, which cannot say LOG_NOTICE (daemons.md 2.7).
class SyslogSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit SyslogSink(const LogTarget& target) : ident_(target.ident) {
    ::openlog(ident_.c_str(), LOG_PID, facility_number(target.facility));
  }
  ~SyslogSink() override { ::closelog(); }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    ::syslog(syslog_priority(message.level), "%.*s", static_cast<int>(message.payload.size()), message.payload.data());
  }
  void flush_() override {}

  std::string ident_;  // syslog keeps the pointer
};

spdlog::sink_ptr make_sink(const LogTarget& target) {
  if (!target.to_stderr) return std::make_shared<SyslogSink>(target);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
  sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e %n[%P]: %v");
  return sink;
}

class SpdlogLog final : public DaemonLog {
 public:
  explicit SpdlogLog(const LogTarget& target) { open(target); }

  void write(Level level, std::string_view text) override {
    const auto line = log_line(level, text);
    const std::lock_guard guard(mutex_);
    logger_->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
  }

  void reopen(const LogTarget& target) override {
    const std::lock_guard guard(mutex_);
    logger_.reset();  // first: the end of the old sink closes syslog for the whole process
    open(target);
  }

 private:
  void open(const LogTarget& target) {
    logger_ = std::make_unique<spdlog::logger>(target.ident, make_sink(target));
    logger_->flush_on(spdlog::level::info);
  }

  std::mutex mutex_;
  std::unique_ptr<spdlog::logger> logger_;  // of our own: not in spdlog's registry
};

}  // namespace

std::unique_ptr<DaemonLog> open_log(const LogTarget& target) { return std::make_unique<SpdlogLog>(target); }

std::string log_ident(std::string_view program, std::string_view tenant) {
  std::string ident(program);
  if (!tenant.empty()) ident.append("@").append(tenant);
  return ident;
}

std::string log_line(Log::Level level, std::string_view text) {
  constexpr std::size_t level_bytes = 6;  // `[NTC] `
  return fmt::format("[{}] {}", level_name(level), printable(text, log_line_bytes_max - level_bytes));
}

}  // namespace flare
