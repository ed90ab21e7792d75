#pragma once

#include <cstdint>
#include <type_traits>

namespace flare {

/// Number of a partition; `no_partition` for a node that holds none (docs/spec/cluster.md 1.1).
enum class PartitionId : std::int32_t {};
/// Counter of node map changes (cluster.md 1.1).
enum class MapVersion : std::uint64_t {};
/// A node's number in the map, unique and at least 16 (cluster.md 1.1).
enum class ThreadType : std::int32_t {};
/// Version of one record, told to clients as the cas unique (protocol.md 3).
enum class RecordVersion : std::uint64_t {};
/// Raised whenever a partition's master or in-sync set changes (docs/replication.md 2).
enum class Epoch : std::uint64_t {};
/// Number of an entry in a partition's update log, given by its master (docs/replication.md 1).
enum class Sequence : std::uint64_t {};
/// Random name of one history of a store (docs/design.md 3.1).
enum class LogId : std::uint64_t {};

constexpr PartitionId no_partition{-1};

template <class Enum>
constexpr auto raw(Enum value) {
  return static_cast<std::underlying_type_t<Enum>>(value);
}

template <class Enum>
constexpr Enum next(Enum value) {
  return Enum{raw(value) + 1};
}

}  // namespace flare
