// Options that are in force at once: at the start, and again after SIGHUP.
#include <fmt/format.h>

#include <utility>

#include "common/daemon/auth_file.h"
#include "common/daemon/door_options.h"
#include "flared/server.h"

namespace flare {

namespace {

InSyncOptions in_sync_options(const FlaredOptions& options) {
  InSyncOptions in_sync;
  in_sync.sync = options.replication_type == ReplicationType::sync;
  in_sync.replicas_min = options.min_sync_replicas;
  in_sync.sync_silent_max = options.sync_timeout;
  in_sync.lag_max = options.max_lag;
  in_sync.dismiss_silent_max = options.dismiss_silent_slaves;
  return in_sync;
}

}  // namespace

IoTask<> Server::wait_for_hangup() {
  for (;;) {
    const auto [error, number] = co_await hangup_signal_.async_wait(use_task);
    if (error) co_return;
    reread();
  }
}

void Server::reread() {
  auto read = reread_flared_options(options_);
  if (!read) {
    log_.error("SIGHUP: nothing is changed: {}", read.error().text);
    return;
  }
  if (!read->options.tls_certificate.empty()) {
    // Also where the names are the same: a new certificate has the old one's name.
    if (const auto loaded = tls_.load(tls_files(read->options), options_.cluster_tls); !loaded) {
      log_.error("SIGHUP: nothing is changed: {}", loaded.error());
      return;
    }
  }
  options_ = std::move(read->options);
  log_.reopen({log_ident(program, options_.tenant), options_.log_facility, options_.log_to_stderr});
  apply(options_);
  apply_doors();
  index_->set_servers(index_servers());
  learn_addresses();
  log_.notice("SIGHUP: options read again; changed: {}", fmt::join(read->changed, ", "));
  if (!read->need_restart.empty()) log_.warning("these need a restart: {}", fmt::join(read->need_restart, ", "));
}

void Server::apply(const FlaredOptions& options) {
  worker_setup_->places.change_clients_max(static_cast<std::size_t>(options.max_connection));
  worker_setup_->memory.change_max(options.max_connection_memory);
  worker_setup_->idle_timeout_s.store(options.net_read_timeout.count(), std::memory_order_relaxed);
  worker_setup_->write_timeout_s.store(options.net_write_timeout.count(), std::memory_order_relaxed);
  worker_setup_->operations_share.store(static_cast<double>(options.max_ops_per_second) / options.threads,
                                        std::memory_order_relaxed);
  const std::chrono::milliseconds failover_wait{options.failover_wait};
  worker_setup_->failover_wait_ms.store(failover_wait.count(), std::memory_order_relaxed);
  worker_setup_->queue.most.store(options.max_total_thread_queue, std::memory_order_relaxed);
  worker_setup_->read_errors.store(options.proxy_read_errors, std::memory_order_relaxed);
  storage_->limit({.items = options.max_items, .bytes = options.max_bytes});
  if (!tenants_->all().empty()) storage_->limit_prefixes(tenants_->limits(options));
  tenants_->apply(options);
  agent_->set_in_sync(in_sync_options(options));
  agent_->set_pace(options.reconstruction_bwlimit_kb, options.reconstruction_interval);
  time_watcher_->apply(options);
  desk_->show(options);
  give_routes();
}

// Those that are open now are looked at again; who comes later meets the new lists.
void Server::apply_doors() {
  auto doors = doors_of(options_);
  const bool other_users = reread_users();
  if (doors == *keeper_->doors() && !other_users) return;
  if (const auto warning = open_doors_warning(doors)) log_.warning("{}", *warning);
  keeper_->change(std::move(doors));
  for (auto& worker : workers_) {
    worker->renew_passages(keeper_->doors(), authenticator_ ? authenticator_->users() : nullptr);
  }
  agent_->close_streams([doors = keeper_->doors()](const std::string& peer) { return !lets_nodes_in(*doors, peer); });
}

bool Server::reread_users() {
  if (!authenticator_) return false;
  auto users = AuthFile::reread(options_.auth_file, log_);
  if (users) authenticator_->change(std::move(*users));
  return users.has_value();
}

}  // namespace flare
