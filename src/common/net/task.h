#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

/// The executor types of the daemons. A coroutine of type IoTask runs on one io_context, which one thread runs.
namespace flare {

namespace asio = boost::asio;
using boost::system::error_code;

using IoExecutor = asio::io_context::executor_type;

template <class T = void>
using IoTask = asio::awaitable<T, IoExecutor>;

/// Completion token: `auto [error, n] = co_await socket.async_read_some(buffer, use_task)`.
constexpr asio::as_tuple_t<asio::use_awaitable_t<IoExecutor>> use_task{asio::use_awaitable_t<IoExecutor>{}};

/// TCP or Unix socket, without TLS; see stream_socket.h.
using PlainSocket = asio::basic_stream_socket<asio::generic::stream_protocol, IoExecutor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, IoExecutor>;

}  // namespace flare
