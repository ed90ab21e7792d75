#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/deadline.h"

namespace flare::test {

/// Where something listens. The name is a numeric IPv4 address or the path of a unix socket.
struct Address {
  std::string name{};
  std::uint16_t port = 0;
};

[[nodiscard]] std::string key_of(const Address& address);

/// A client of the text protocol, blocking with deadlines. Failures throw std::runtime_error with what was awaited.
class TextClient {
 public:
  enum class Received { bytes, nothing, closed };

  explicit TextClient(const Address& address, Milliseconds limit = usual_limit);
  /// From that local IPv4 address.
  TextClient(const Address& address, const std::string& from, Milliseconds limit = usual_limit);
  /// By a unix socket.
  explicit TextClient(const std::string& socket_path, Milliseconds limit = usual_limit);
  ~TextClient();
  TextClient(TextClient&& other) noexcept;
  TextClient& operator=(TextClient&& other) noexcept;

  void send(std::string_view bytes);
  /// Without its line end.
  [[nodiscard]] std::string read_line();
  [[nodiscard]] std::string read_exactly(std::size_t bytes);
  /// Lines up to and with one that is `END`, or that begins with an error word.
  [[nodiscard]] std::vector<std::string> read_until_end();
  /// What comes until nothing has come for `quiet`.
  [[nodiscard]] std::string read_until_quiet(Milliseconds quiet);
  /// Waits for bytes up to `limit` and adds them to received().
  [[nodiscard]] Received receive_within(Milliseconds limit);
  /// What has come and was not read yet.
  [[nodiscard]] const std::string& received() const { return buffer_; }
  /// Closes the sending side only.
  void finish_sending() const;
  /// True if the other side closes within the client's limit; what it sent before is dropped.
  [[nodiscard]] bool closed_by_peer();

  /// Sends a line and reads one.
  [[nodiscard]] std::string ask(std::string_view line);
  /// Sends a line and reads to END.
  [[nodiscard]] std::vector<std::string> ask_all(std::string_view line);

 private:
  bool receive(const Deadline& deadline);  // false: closed

  int descriptor_ = -1;
  Milliseconds limit_;
  std::string buffer_;
};

/// A client if something listens there now.
[[nodiscard]] std::optional<TextClient> try_connect(const Address& address, Milliseconds limit = ask_limit);

/// The value of `STAT <name> <value>` in an answer, empty if it has none.
[[nodiscard]] std::string stat_value(const std::vector<std::string>& lines, std::string_view name);
/// Asks once on a connection of its own; empty if there is no such line or nobody answers.
[[nodiscard]] std::string ask_stat(const Address& address, std::string_view request, std::string_view name);

}  // namespace flare::test
