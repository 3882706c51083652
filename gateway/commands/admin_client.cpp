#include "gateway/commands/admin_client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <stdexcept>

#include "gateway/config/config_text.hpp"
#include "http/reader.hpp"

namespace sallyport::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t answer_limit = 16 << 20;  // ten times what a page with every series of a large gateway takes

// Everything the peer sends until it closes: the request asks it to.
asio::awaitable<std::string> exchange(const Address& address, std::string request) {
  tcp::socket socket(co_await asio::this_coro::executor);
  co_await socket.async_connect({asio::ip::make_address(address.host), address.port}, asio::use_awaitable);
  co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
  std::string answer;
  boost::system::error_code end;
  co_await asio::async_read(socket, asio::dynamic_buffer(answer, answer_limit),
                            asio::redirect_error(asio::use_awaitable, end));
  if (end && end != asio::error::eof) throw boost::system::system_error(end);
  co_return answer;
}

AdminAnswer read_answer(std::string_view received) {
  const std::runtime_error not_whole("its answer is not a whole HTTP message");
  http::ResponseHead head;
  const auto head_size = http::parse_response_head(received, http::HeadLimits{}, "GET", head);
  if (!head_size || !*head_size) throw not_whole;
  const std::string_view body = received.substr(**head_size);
  if (head.framing.kind == http::BodyKind::sized && body.size() != head.framing.size) throw not_whole;
  if (head.framing.kind == http::BodyKind::chunked) throw not_whole;  // the admin listener never chunks
  return {head.status, std::string(body)};
}

}  // namespace

AdminAnswer ask_admin(const Address& address, std::string_view target, core::Duration patience) {
  const std::string request =
      "GET " + std::string(target) + " HTTP/1.1\r\nhost: " + text_of(address) + "\r\nconnection: close\r\n\r\n";
  asio::io_context context(1);
  std::exception_ptr failure;
  std::string received;
  bool finished = false;
  asio::co_spawn(context, exchange(address, request), [&](std::exception_ptr thrown, std::string answer) {
    failure = thrown;
    received = std::move(answer);
    finished = true;
  });
  context.run_for(patience);
  try {
    if (!finished) throw std::runtime_error("no whole answer within " + text_of(patience));
    if (failure) std::rethrow_exception(failure);
    return read_answer(received);
  } catch (const boost::system::system_error& problem) {
    throw std::runtime_error(text_of(address) + ": " + problem.code().message());
  } catch (const std::runtime_error& problem) {
    throw std::runtime_error(text_of(address) + ": " + problem.what());
  }
}

Address local_address(const Address& address) {
  const auto numeric = asio::ip::make_address(address.host);
  if (!numeric.is_unspecified()) return address;
  return {numeric.is_v6() ? "::1" : "127.0.0.1", address.port};
}

}  // namespace sallyport::gateway
