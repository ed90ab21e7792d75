#include "flare_bench/options.h"

#include <charconv>
#include <map>

namespace flare::bench {
namespace {

constexpr std::uint32_t threads_max = 16;

void read_nodes(const std::vector<std::string>& words, std::vector<status::Target>& nodes) {
  for (const auto& word : words) {
    const auto node = status::parse_target(word);
    if (!node) throw CLI::ValidationError{"NODE", "'" + word + "' is neither a port nor host:port (1 to 65535)"};
    nodes.push_back(*node);
  }
}

// `90:10`
void read_ratio(const std::string& text, Shape& shape) {
  const auto end = text.data() + text.size();
  const auto reads = std::from_chars(text.data(), end, shape.reads);
  const bool colon = reads.ec == std::errc{} && reads.ptr != end && *reads.ptr == ':';
  const auto sets = std::from_chars(colon ? reads.ptr + 1 : end, end, shape.sets);
  if (!colon || sets.ec != std::errc{} || sets.ptr != end || shape.reads + shape.sets == 0) {
    throw CLI::ValidationError{"--ratio", "'" + text + "' is not gets:sets, such as 90:10"};
  }
}

void add_shape(CLI::App& app, Shape& shape) {
  const std::map<std::string, Kind> kinds{
      {"get", Kind::get}, {"set", Kind::set}, {"mix", Kind::mix}, {"fill", Kind::fill}};
  const std::map<std::string, Protocol> protocols{
      {"text", Protocol::text}, {"meta", Protocol::meta}, {"binary", Protocol::binary}, {"redis", Protocol::redis}};
  app.add_option("--workload", shape.kind, "get, set, mix, or fill: write each key once and end")
      ->transform(CLI::CheckedTransformer(kinds))
      ->required();
  app.add_option("--protocol", shape.protocol, "text, meta, binary or redis (for comparison; default text)")
      ->transform(CLI::CheckedTransformer(protocols));
  app.add_option_function<std::string>(
      "--ratio", [&shape](const std::string& text) { read_ratio(text, shape); },
      "gets:sets of mix, such as 95:5 (default 90:10)");
  app.add_option("--mget", shape.keys_per_get, "keys of each get")
      ->capture_default_str()
      ->check(CLI::Range(1U, keys_per_get_max));
  app.add_option("--pipeline", shape.pipeline, "requests that a connection sends together")
      ->capture_default_str()
      ->check(CLI::Range(1U, pipeline_max));
  app.add_option("--keys", shape.keys, "number of keys")->capture_default_str()->check(CLI::Range(1, 100'000'000));
  app.add_option("--key-size", shape.key_bytes, "bytes of a key")->capture_default_str()->check(CLI::Range(11, 250));
  app.add_option("--key-prefix", shape.key_prefix, "begin of each key: other runs have another one")
      ->capture_default_str();
  app.add_option("--value-size", shape.value_bytes, "bytes of a value")
      ->capture_default_str()
      ->check(CLI::Range(value_head_bytes, std::size_t{64} * 1024 * 1024));
}

void add_seconds(CLI::App& app, const std::string& name, Seconds& seconds, const std::string& what) {
  app.add_option_function<double>(
         name, [&seconds](double given) { seconds = Seconds{given}; }, what)
      ->check(CLI::Range(0.1, 86'400.0));
}

void add_load(CLI::App& app, Settings& settings) {
  app.add_option("--connections", settings.connections, "clients")
      ->capture_default_str()
      ->check(CLI::Range(1U, connections_max));
  app.add_option("--idle", settings.idle, "further clients that connect, ask once and keep still")
      ->check(CLI::Range(0U, connections_max));
  app.add_option("--threads", settings.threads, "threads of this program")
      ->capture_default_str()
      ->check(CLI::Range(1U, threads_max));
  app.add_option("--rate", settings.per_second, "requests due each second, late or not (default: closed loop)")
      ->check(CLI::Range(0.01, 1e8));
  add_seconds(app, "--seconds", settings.length, "length of the run (default 5)");
  app.add_option("--operations", settings.operations, "end after so many requests, if that is sooner")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 50));
  app.add_flag("--tls", settings.tls, "speak TLS; any certificate is taken, if --tls-ca does not say whose");
  app.add_option("--tls-ca", settings.tls_ca, "authority whose certificates are taken (PEM file)");
  add_seconds(app, "--connect-limit", settings.connect_limit, "seconds until all must be connected (default 30)");
  add_seconds(app, "--fill-limit", settings.fill_limit, "seconds until all keys must be written (default 600)");
  add_seconds(app, "--answer-limit", settings.answer_limit,
              "seconds without any answer after which the run fails (default 10)");
}

}  // namespace

void add_options(CLI::App& app, Settings& settings) {
  app.add_option_function<std::vector<std::string>>(
         "NODE", [&settings](const std::vector<std::string>& words) { read_nodes(words, settings.nodes); },
         "port of this machine, or host:port; connections go to all of them in turn")
      ->required();
  add_shape(app, settings.shape);
  add_load(app, settings);
  app.add_flag("!--no-fill", settings.fill, "the keys are there, written by an earlier run");
  app.add_flag("--stale-ok", settings.stale_ok, "count old values without failing: slaves that follow are read");
  app.add_option("--seed", settings.seed, "of the random choice of keys (default: another one each time)");
  app.add_option("--pids", settings.pids, "processes whose processor time is counted: pid,pid,...")->delimiter(',');
  app.add_flag("--json", settings.json, "one JSON object in place of the report");
  app.footer(
      "Exit status: 0 all answers were right; 1 some were wrong, stale, missing, refused or late;\n"
      "2 wrong usage; 3 the run could not be made.");
}

void check_together(const Settings& settings) {
  if (settings.connections < settings.threads) throw CLI::ValidationError{"--threads", "more than --connections"};
  if (!settings.tls && !settings.tls_ca.empty()) throw CLI::ValidationError{"--tls-ca", "without --tls"};
  if (settings.shape.keys < settings.threads) throw CLI::ValidationError{"--keys", "fewer than --threads"};
  if (!settings.fill && settings.shape.kind == Kind::fill) {
    throw CLI::ValidationError{"--no-fill", "leaves nothing to do for --workload fill"};
  }
  if (settings.per_second > 0 && settings.per_second * settings.length.count() < settings.threads) {
    throw CLI::ValidationError{"--rate", "no request is due within --seconds"};
  }
}

}  // namespace flare::bench
