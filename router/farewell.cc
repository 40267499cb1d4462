#include "router/farewell.h"

#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "router/transfer.h"

namespace router {

namespace {
constexpr size_t kDropAtOnce = 64 * 1024;
constexpr base::Duration kPatience = std::chrono::seconds(10);
}  // namespace

uvx::Task<void> drop_rest(uvx::Poll& poll, int connection, FarewellBounds bounds) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kDropAtOnce);
  const auto end = base::Clock::now() + bounds.total;
  while (bounds.bytes > 0) {
    const auto quiet = std::min(end, base::Clock::now() + bounds.silence);
    const auto dropped = co_await receive(poll, connection, {buffer.get(), kDropAtOnce},
                                          base::Deadline(quiet));
    if (!dropped || *dropped == 0 || base::Clock::now() >= end) co_return;
    bounds.bytes -= std::min<uint64_t>(bounds.bytes, *dropped);
  }
}

uvx::Task<void> say_farewell(uvx::Loop& loop,
                             base::Fd connection,
                             std::string answer,
                             FarewellBounds bounds) {
  uvx::Poll poll(loop, connection.get());
  const auto sent = co_await send_all(poll, connection.get(), answer, kPatience);
  if (sent && ::shutdown(connection.get(), SHUT_WR) == 0)
    co_await drop_rest(poll, connection.get(), bounds);
  poll.close();
}

}  // namespace router
