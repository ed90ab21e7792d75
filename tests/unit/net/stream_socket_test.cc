#include "common/net/stream_socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <csignal>

#include "common/base/limits.h"
#include "common/net/descriptor.h"
#include "common/net/handshakes.h"
#include "common/net/tls_error.h"
#include "net_thread.h"
#include "support/temp_dir.h"
#include "support/tls_files.h"

/// The socket that is TLS or not, both ends of ours, on one thread.
namespace flare::net_test {
namespace {

using Use = TlsContext::Use;
using Side = TlsConnection::Side;

struct Ends {
  StreamSocket server;
  StreamSocket client;
};

class Sockets : public testing::TestWithParam<bool> {
 protected:
  Sockets() {
    std::signal(SIGPIPE, SIG_IGN);  // as both daemons do
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) throw std::runtime_error{"no sockets"};
    net.run([&] {
      ends = std::make_unique<Ends>(Ends{StreamSocket{net.executor()}, StreamSocket{net.executor()}});
      error_code error;
      ends->server.assign(protocol_of(pair[0]), pair[0], error);
      ends->client.assign(protocol_of(pair[1]), pair[1], error);
      ends->server.non_blocking(true, error);
      ends->client.non_blocking(true, error);
    });
  }
  ~Sockets() override {
    net.run([this] { ends.reset(); });
  }

  std::shared_ptr<const TlsContext> load(Use use, const test::TlsAuthority::Pair& pair,
                                         const std::filesystem::path& ca) {
    const auto loaded = TlsContext::load({pair.certificate, pair.key, ca}, use);
    EXPECT_TRUE(loaded) << loaded.error();
    return *loaded;
  }
  void begin_tls() {
    const auto pair = authority.issue("node");
    const auto to_server = load(Use::mutual_server, pair, authority.file());
    const auto to_client = load(Use::client, pair, authority.file());
    net.run([&] {
      ends->server.start_tls(to_server, Side::server);
      ends->client.start_tls(to_client, Side::client);
    });
  }

  static IoTask<std::string> read_all(StreamSocket& socket, std::size_t bytes) {
    std::string read(bytes, '\0');
    const auto [error, n] = co_await asio::async_read(socket, asio::buffer(read), use_task);
    read.resize(n);
    co_return read;
  }
  static IoTask<error_code> write_all(StreamSocket& socket, std::string bytes) {
    const auto [error, n] = co_await asio::async_write(socket, asio::buffer(bytes), use_task);
    co_return error;
  }
  // What the session does: waits, then receives.
  static IoTask<std::string> receive_all(StreamSocket& socket, std::size_t bytes, std::size_t at_once) {
    std::string all;
    std::string room(at_once, '\0');
    while (all.size() < bytes) {
      const auto [failed] = co_await socket.async_wait(StreamSocket::wait_read, use_task);
      if (failed) break;
      error_code error;
      const auto n = socket.receive(asio::buffer(room), 0, error);
      if (would_block(error)) continue;
      if (error) break;
      all.append(room, 0, n);
    }
    co_return all;
  }
  void begin(IoTask<error_code> task) {
    asio::co_spawn(net.context, std::move(task), [](std::exception_ptr, error_code) {});
  }

  test::TempDir folder;
  test::TlsAuthority authority{folder.path(), "one"};
  NetThread net;
  std::unique_ptr<Ends> ends;
};

// Several megabytes do not fit into the socket: both sides meet partial writes.
TEST_P(Sockets, CarriesLargeValuesBothWays) {
  if (GetParam()) begin_tls();
  std::string sent(3'000'000, 'x');
  for (std::size_t i = 0; i < sent.size(); i += 1000) sent[i] = static_cast<char>('a' + i / 1000 % 26);
  begin(write_all(ends->client, sent));
  EXPECT_EQ(net.wait_for(read_all(ends->server, sent.size())), sent);
  begin(write_all(ends->server, sent));
  EXPECT_EQ(net.wait_for(receive_all(ends->client, sent.size(), 5000)), sent);
}

// A record may hold more than one receive takes: what is left makes the socket ready, though nothing more comes.
TEST_P(Sockets, IsReadyForWhatTlsHoldsBack) {
  if (GetParam()) begin_tls();
  begin(write_all(ends->client, std::string(10'000, 'y')));
  EXPECT_EQ(net.wait_for(receive_all(ends->server, 10'000, 7)).size(), 10'000U);
}

TEST_P(Sockets, SeesAnEnd) {
  if (GetParam()) begin_tls();
  begin(write_all(ends->client, "last"));
  EXPECT_EQ(net.wait_for(read_all(ends->server, 4)), "last");
  net.run([this] {
    error_code error;
    ends->client.close(error);
  });
  const auto end = net.wait_for([](StreamSocket& socket) -> IoTask<error_code> {
    char byte = 0;
    const auto [error, n] = co_await socket.async_read_some(asio::buffer(&byte, 1), use_task);
    co_return error;
  }(ends->server));
  EXPECT_EQ(end, asio::error::eof);
}

TEST_P(Sockets, GoesToAnotherOwnerWithWhatItHolds) {
  if (GetParam()) begin_tls();
  begin(write_all(ends->client, "abcdef"));
  EXPECT_EQ(net.wait_for(receive_all(ends->server, 3, 3)), "abc");
  net.run([this] {
    error_code error;
    auto loose = ends->server.detach(error);
    EXPECT_FALSE(ends->server.is_open());
    EXPECT_EQ(loose.tls != nullptr, GetParam());
    ends->server.attach(std::move(loose), error);
    EXPECT_FALSE(error) << error.message();
  });
  EXPECT_EQ(net.wait_for(read_all(ends->server, 3)), "def");
}

TEST_P(Sockets, EndsAWaitWhenItIsClosed) {
  if (GetParam()) begin_tls();
  std::promise<error_code> ended;
  auto wait = [](StreamSocket& socket) -> IoTask<error_code> {
    char byte = 0;
    const auto [error, n] = co_await socket.async_read_some(asio::buffer(&byte, 1), use_task);
    co_return error;
  };
  asio::co_spawn(net.context, wait(ends->server),
                 [&](std::exception_ptr, error_code error) { ended.set_value(error); });
  net.run([this] {
    error_code error;
    ends->server.close(error);
  });
  EXPECT_EQ(ended.get_future().get(), asio::error::operation_aborted);
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, Sockets, testing::Bool(),
                         [](const auto& tls) { return tls.param ? "Tls" : "Plain"; });

class HandshakeOf : public Sockets {
 protected:
  // The server's outcome; the client tries to speak as `begin_client` made it.
  Handshakes::Outcome outcome(Use use, const test::TlsAuthority::Pair& pair, std::chrono::milliseconds patience = 10s) {
    const auto context = load(use, pair, authority.file());
    net.run([&] {
      handshakes = std::make_unique<Handshakes>(net.executor(), 4, patience);
      ends->server.start_tls(context, Side::server);
    });
    return net.wait_for(handshakes->make(ends->server));
  }
  void client_speaks(const std::shared_ptr<const TlsContext>& context) {
    net.run([&] { ends->client.start_tls(context, Side::client); });
    begin([](StreamSocket& socket) -> IoTask<error_code> {
      const auto [failed] = co_await socket.async_handshake(use_task);
      if (failed) co_return failed;
      char byte = 0;
      const auto [error, n] = co_await socket.async_read_some(asio::buffer(&byte, 1), use_task);
      co_return error;
    }(ends->client));
  }
  std::unique_ptr<Handshakes> handshakes;
};

TEST_F(HandshakeOf, APeerOfTheClusterIsMade) {
  const auto pair = authority.issue("node");
  client_speaks(load(Use::client, pair, authority.file()));
  EXPECT_EQ(outcome(Use::mutual_server, pair).end, Handshakes::End::made);
  net.run([this] { ends.reset(); });
}

TEST_F(HandshakeOf, AStrangerTellsWhyItFailed) {
  test::TlsAuthority other{folder.path(), "other"};
  client_speaks(load(Use::client, other.issue("stranger"), authority.file()));
  const auto made = outcome(Use::mutual_server, authority.issue("node"));
  EXPECT_EQ(made.end, Handshakes::End::failed);
  EXPECT_NE(made.why.find("its certificate is refused: "), std::string::npos) << made.why;
  net.run([this] { ends.reset(); });
}

TEST_F(HandshakeOf, ACertificateThatHasExpired) {
  client_speaks(load(Use::client, authority.issue("old", -5), authority.file()));
  const auto made = outcome(Use::mutual_server, authority.issue("node"));
  EXPECT_NE(made.why.find("certificate has expired"), std::string::npos) << made.why;
  net.run([this] { ends.reset(); });
}

TEST_F(HandshakeOf, APeerWithoutACertificate) {
  client_speaks(*TlsContext::load({"", "", authority.file()}, Use::any_server));
  const auto made = outcome(Use::mutual_server, authority.issue("node"));
  EXPECT_EQ(made.why, "it showed no certificate");
  net.run([this] { ends.reset(); });
}

TEST_F(HandshakeOf, PlainText) {
  begin(write_all(ends->client, "version\r\n"));
  const auto made = outcome(Use::server, authority.issue("node"));
  EXPECT_EQ(made.end, Handshakes::End::failed);
  EXPECT_NE(made.why.find("it speaks no TLS"), std::string::npos) << made.why;
}

TEST_F(HandshakeOf, OneThatIsHalfMadeEndsInTime) {
  const auto made = outcome(Use::server, authority.issue("node"), 50ms);
  EXPECT_EQ(made.end, Handshakes::End::failed);
  EXPECT_NE(made.why.find("no handshake within"), std::string::npos) << made.why;
}

TEST_F(HandshakeOf, OneThatLeavesBeforeIsNoFailure) {
  net.run([this] {
    error_code error;
    ends->client.close(error);
  });
  EXPECT_EQ(outcome(Use::server, authority.issue("node")).end, Handshakes::End::gone);
}

class Files : public testing::Test {
 protected:
  std::string fault(const TlsFiles& files, Use use = Use::mutual_server) {
    const auto loaded = TlsContext::load(files, use);
    return loaded ? "none" : loaded.error();
  }
  test::TempDir folder;
  test::TlsAuthority authority{folder.path(), "one"};
};

TEST_F(Files, ThatCannotBeUsedAreNamedWithTheirOption) {
  const auto good = authority.issue("good");
  const auto other = authority.issue("other");
  const auto text = (folder / "text").string();
  test::write_file(text, "no certificate\n");
  const auto ca = authority.file().string();
  const struct {
    TlsFiles files;
    std::string said;
  } rows[] = {
      {{folder / "none.pem", good.key, ca},
       "option 'tls-certificate': " + (folder / "none.pem").string() + ": No such"},
      {{text, good.key, ca}, "option 'tls-certificate': " + text + ": no start line"},
      {{good.certificate, folder / "none.key", ca},
       "option 'tls-key': " + (folder / "none.key").string() + ": No such"},
      {{good.certificate, other.key, ca}, "option 'tls-key': " + other.key.string() + ": key values mismatch"},
      {{good.certificate, good.key, folder / "none.ca"}, "option 'tls-ca': " + (folder / "none.ca").string()},
      {{good.certificate, good.key, text}, "option 'tls-ca': " + text},
      {{good.certificate, good.key, ca}, "none"},
  };
  for (const auto& row : rows) EXPECT_EQ(fault(row.files).substr(0, row.said.size()), row.said);
}

TEST_F(Files, ThatArePoorAreWarnedOf) {
  const auto old = authority.issue("old", -5);
  std::filesystem::permissions(old.key, std::filesystem::perms{0644});
  const auto loaded = TlsContext::load({old.certificate, old.key, ""}, Use::server);
  ASSERT_TRUE(loaded) << loaded.error();
  ASSERT_EQ((*loaded)->warnings().size(), 2U);
  EXPECT_NE((*loaded)->warnings()[0].find("has expired: it was good until 20"), std::string::npos);
  EXPECT_NE((*loaded)->warnings()[1].find("set its mode to 0600"), std::string::npos);
}

}  // namespace
}  // namespace flare::net_test
