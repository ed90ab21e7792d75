#include "flared/cluster_replicator.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "common/base/printable.h"
#include "flared/stat_lines.h"

namespace flare {

namespace {

constexpr std::chrono::seconds end_patience{5};

// It ends before its successor begins: one connection's worth of entries at a time, and one writer of the file.
IoTask<> run_after(std::shared_ptr<ClusterSender> former, std::shared_ptr<ClusterSender> sender, IoExecutor executor) {
  Timer pause{executor};
  while (former && !former->ended()) {
    pause.expires_after(std::chrono::milliseconds{10});
    co_await pause.async_wait(use_task);
  }
  co_await sender->run(sender);
}

}  // namespace

ClusterReplicator::ClusterReplicator(Setup setup) : setup_(std::move(setup)) {}

void ClusterReplicator::apply(const FlaredOptions& options, const NodeMap& map) {
  connections_ = options.cluster_replication_concurrency;
  if (connections_ == 0) connections_ = options.proxy_concurrency;
  pass_kb_s_ = static_cast<std::uint64_t>(options.reconstruction_bwlimit_kb);
  if (sender_) sender_->set_pass_kb_s(pass_kb_s_);
  auto plan = plan_cluster_replication(options, map);
  if (plan == plan_) return;
  plan_ = std::move(plan);
  if (plan_.use == ClusterPlan::Use::refused) setup_.log.error("no cluster replication: {}", plan_.refusal);
  if (plan_.use == ClusterPlan::Use::off) setup_.log.notice("cluster replication is off");
  if (plan_.refusal.empty() && plan_.use != ClusterPlan::Use::off) {
    setup_.log.notice("cluster replication to {}: {}", plan_.target.text(), to_text(plan_.use));
  }
  if (sender_) sender_->close();
  if (sender_) former_ = std::exchange(sender_, nullptr);
  renew();
}

void ClusterReplicator::lead(bool leads) {
  if (leads_ == leads) return;
  leads_ = leads;
  renew();
}

void ClusterReplicator::renew() {
  const bool wanted = leads_ && !stopping_ && plan_.use == ClusterPlan::Use::duplicate;
  if (wanted == (sender_ != nullptr)) return;
  if (!wanted) {
    sender_->close();
    former_ = std::exchange(sender_, nullptr);
  } else {
    sender_ = std::make_shared<ClusterSender>(sender_setup());
    asio::co_spawn(setup_.executor, run_after(former_, sender_, setup_.executor), asio::detached);
  }
  wake_->sender = sender_;
  wake_->wanted = wanted;
  setup_.copied_touches.listen(wanted);
}

ClusterSender::Setup ClusterReplicator::sender_setup() const {
  return {.executor = setup_.executor,
          .storage = setup_.storage,
          .pool = setup_.pool,
          .log = setup_.log,
          .clock = setup_.clock,
          .own_name = setup_.own.text,
          .bind_address = setup_.bind_address,
          .copied_touches = setup_.copied_touches,
          .file = ClusterPositionFile{setup_.data_dir},
          .target = plan_.target,
          .connections = connections_,
          .pass_kb_s = pass_kb_s_};
}

std::shared_ptr<const RoutingView> ClusterReplicator::routes(std::shared_ptr<const RoutingView> view) const {
  if (plan_.use != ClusterPlan::Use::forward) return view;
  return routes_to(plan_.target, *view);
}

void ClusterReplicator::log_written() {
  if (!wake_->wanted || wake_->posted.exchange(true)) return;
  asio::post(setup_.executor, [wake = wake_] {
    wake->posted = false;  // before the sender looks: a write from now on posts again
    if (const auto sender = wake->sender.lock()) sender->wake();
  });
}

void ClusterReplicator::stop() {
  stopping_ = true;
  renew();
}

IoTask<> ClusterReplicator::stopped() {
  stop();
  Timer pause{setup_.executor};
  const auto until = std::chrono::steady_clock::now() + end_patience;
  while (former_ && !former_->ended() && std::chrono::steady_clock::now() < until) {
    pause.expires_after(std::chrono::milliseconds{10});
    co_await pause.async_wait(use_task);
  }
}

std::string ClusterReplicator::stats() const {
  if (plan_.use == ClusterPlan::Use::off) return {};
  StatLines lines;
  lines.add("cluster_replication_mode", to_text(plan_.use));
  lines.add("cluster_replication_to", plan_.target.text());
  if (plan_.use == ClusterPlan::Use::refused) lines.add("cluster_replication_error", plan_.refusal);
  if (plan_.use != ClusterPlan::Use::duplicate) return lines.take();
  if (!sender_) {
    lines.add("cluster_replication_state", "not_master");
    return lines.take();
  }
  const auto figures = sender_->figures();
  lines.add("cluster_replication_state", to_text(figures.state));
  lines.add("cluster_replication_sequence", raw(figures.position.sequence));
  lines.add("cluster_replication_lag", figures.lag_entries);
  lines.add("cluster_replication_taken", figures.taken);
  lines.add("cluster_replication_left_out", figures.left_out);
  lines.add("cluster_replication_full_passes", figures.full_passes);
  lines.add("cluster_replication_pass_records", figures.pass_records);
  lines.add("cluster_replication_pass_expected", figures.pass_expected);
  if (!figures.error.empty()) lines.add("cluster_replication_error", printable(figures.error, 300));
  return lines.take();
}

}  // namespace flare
