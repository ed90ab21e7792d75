#include "flare_bench/report.h"

#include <fmt/format.h>

namespace flare::bench {
namespace {

using Json = nlohmann::ordered_json;

double us(std::chrono::nanoseconds duration) { return static_cast<double>(duration.count()) / 1e3; }
double each(double sum, std::uint64_t count) { return count == 0 ? 0.0 : sum / static_cast<double>(count); }

const char* word_of(Kind kind) {
  switch (kind) {
    case Kind::get:
      return "get";
    case Kind::set:
      return "set";
    case Kind::mix:
      return "mix";
    case Kind::fill:
      return "fill";
  }
  return "";
}

const char* word_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::text:
      return "text";
    case Protocol::meta:
      return "meta";
    case Protocol::binary:
      return "binary";
    case Protocol::redis:
      return "redis";
  }
  return "";
}

struct Share {
  const char* name;
  double part;
};
constexpr Share shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

std::string times_line(const char* what, const Histogram& times) {
  if (times.count() == 0) return {};
  std::string line = fmt::format("{:<8} {:>10} answers, us:", what, times.count());
  for (const auto& [name, part] : shares) line += fmt::format("  {} {:.1f}", name, us(times.share(part)));
  return line + fmt::format("  max {:.1f}\n", us(times.longest()));
}

Json times_json(const Histogram& times) {
  Json json{{"count", times.count()}, {"mean_us", us(times.mean())}};
  for (const auto& [name, part] : shares) json[fmt::format("{}_us", name)] = us(times.share(part));
  json["max_us"] = us(times.longest());
  auto buckets = Json::array();
  for (const auto& [upper, count] : times.buckets()) buckets.push_back({us(upper), count});
  json["buckets_us"] = buckets;
  return json;
}

Json timeline_json(const Timeline& timeline) {
  auto json = Json::array();
  for (const auto slowest : timeline.slowest()) json.push_back(us(slowest));
  return json;
}

Json shape_json(const Settings& settings) {
  const auto& shape = settings.shape;
  Json json{{"workload", word_of(shape.kind)},     {"protocol", word_of(shape.protocol)},
            {"connections", settings.connections}, {"idle", settings.idle},
            {"threads", settings.threads},         {"keys", shape.keys},
            {"key_bytes", shape.key_bytes},        {"value_bytes", shape.value_bytes},
            {"pipeline", shape.pipeline},          {"keys_per_get", shape.keys_per_get},
            {"rate_per_s", settings.per_second},   {"seed", settings.seed}};
  if (shape.kind == Kind::mix) json["ratio"] = fmt::format("{}:{}", shape.reads, shape.sets);
  auto nodes = Json::array();
  for (const auto& node : settings.nodes) nodes.push_back(status::to_string(node));
  json["nodes"] = nodes;
  return json;
}

Json faults_json(const Tally& tally) {
  return {{"wrong", tally.wrong},
          {"stale", tally.stale},
          {"missing", tally.missing},
          {"errors", tally.errors},
          {"unanswered", tally.unanswered},
          {"unsent", tally.unsent},
          {"lost_connections", tally.lost_connections},
          {"first", tally.first_fault}};
}

Json servers_json(const Settings& settings, const Result& result) {
  auto json = Json::array();
  for (std::size_t place = 0; place < result.servers.size(); ++place) {
    json.push_back({{"pid", settings.pids[place]}, {"processor_us", us(result.servers[place])}});
  }
  return json;
}

std::string faults_line(const Tally& tally) {
  return fmt::format(
      "faults   wrong {}, stale {}, missing {}, errors {}, unanswered {}, unsent {}, connections lost {}\n"
      "         first: {}\n",
      tally.wrong, tally.stale, tally.missing, tally.errors, tally.unanswered, tally.unsent, tally.lost_connections,
      tally.first_fault);
}

// Keys that were read or written: what a get of many is compared by.
std::uint64_t keys_of(const Tally& tally) { return tally.keys_read + tally.sets; }

std::string run_lines(const Settings& settings, const Result& result) {
  const auto& tally = result.tally;
  const auto answered = tally.answered();
  auto text = fmt::format("run      {} requests in {:.2f} s: {:.0f}/s", answered, result.run.count(),
                          static_cast<double>(answered) / result.run.count());
  if (settings.shape.keys_per_get > 1) {
    text += fmt::format(", {:.0f} keys/s", static_cast<double>(keys_of(tally)) / result.run.count());
  }
  text += "\n" + times_line("gets", tally.get_times) + times_line("sets", tally.set_times);
  text += fmt::format("cost     this program {:.2f} us a request", each(us(result.own), answered));
  if (!settings.pids.empty()) {
    const auto servers = us(result.servers_together());
    text += fmt::format(", servers {:.2f} us", each(servers, answered));
    if (settings.shape.keys_per_get > 1) text += fmt::format(" ({:.3f} us a key)", each(servers, keys_of(tally)));
  }
  return text + "\n";
}

}  // namespace

std::uint64_t faults_that_count(const Settings& settings, const Tally& tally) {
  return tally.faults() - (settings.stale_ok ? tally.stale : 0);
}

std::string format_report(const Settings& settings, const Result& result) {
  auto text = fmt::format("connect  {} connections in {:.3f} s, all served {:.3f} s later\n", result.connections,
                          result.connect.count(), result.greet.count());
  if (settings.fill) {
    text += fmt::format("fill     {} keys in {:.2f} s: {:.0f}/s\n", settings.shape.keys, result.fill.count(),
                        settings.shape.keys / result.fill.count());
  }
  if (settings.shape.kind != Kind::fill) text += run_lines(settings, result);
  if (result.tally.faults() > 0) text += faults_line(result.tally);
  return text;
}

Json to_json(const Settings& settings, const Result& result) {
  const auto& tally = result.tally;
  const auto answered = tally.answered();
  const auto servers = us(result.servers_together());
  return {{"shape", shape_json(settings)},
          {"connections", result.connections},
          {"connect_s", result.connect.count()},
          {"greet_s", result.greet.count()},
          {"fill_s", result.fill.count()},
          {"run_s", result.run.count()},
          {"requests", answered},
          {"requests_per_s", each(static_cast<double>(answered), 1) / std::max(result.run.count(), 1e-9)},
          {"keys", keys_of(tally)},
          {"servers", servers_json(settings, result)},
          {"servers_us_per_request", each(servers, answered)},
          {"servers_us_per_key", each(servers, keys_of(tally))},
          {"own_us_per_request", each(us(result.own), answered)},
          {"faults", faults_json(tally)},
          {"all", times_json(tally.all_times())},
          {"gets", times_json(tally.get_times)},
          {"sets", times_json(tally.set_times)},
          {"slowest_us_by_second", timeline_json(tally.timeline)}};
}

}  // namespace flare::bench
