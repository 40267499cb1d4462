#include "router/farewell.h"

#include <algorithm>
#include <memory>

namespace router {

namespace {
constexpr size_t kDropAtOnce = 64 * 1024;
constexpr base::Duration kPatience = std::chrono::seconds(10);
}  // namespace

uvx::Task<void> drop_rest(Stream& stream, FarewellBounds bounds) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kDropAtOnce);
  const auto end = base::Clock::now() + bounds.total;
  while (bounds.bytes > 0) {
    const auto quiet = std::min(end, base::Clock::now() + bounds.silence);
    const auto dropped =
        co_await receive(stream, {buffer.get(), kDropAtOnce}, base::Deadline(quiet));
    if (!dropped || *dropped == 0 || base::Clock::now() >= end) co_return;
    bounds.bytes -= std::min<uint64_t>(bounds.bytes, *dropped);
  }
}

uvx::Task<void> say_farewell(uvx::Loop& loop,
                             base::Fd connection,
                             std::string answer,
                             FarewellBounds bounds) {
  PlainStream stream(loop, std::move(connection));
  const auto sent = co_await send_all(stream, answer, kPatience);
  if (sent && stream.finish_sending()) co_await drop_rest(stream, bounds);
}

}  // namespace router
