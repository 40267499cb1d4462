#include "emperor/keeper_takeover.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "base/fd_passing.h"
#include "base/wire/keeper.h"
#include "base/wire/message.h"

namespace emperor {

using namespace std::chrono_literals;
namespace verbs = wire::keeper;

namespace {

constexpr auto kPatience = 3s;
constexpr int kSilenceMs = 10'000;

base::Result<base::Fd> connect_to(const std::string& path) {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  if (path.size() >= sizeof(where.sun_path)) return base::fail(ENAMETOOLONG, path);
  std::memcpy(where.sun_path, path.c_str(), path.size());
  base::Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return base::fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where)) != 0)
    return base::fail_errno("connect " + path);
  return fd;
}

}  // namespace

base::Result<base::Fd> ask_to_take_over(const std::string& run_dir) {
  const auto deadline = base::Deadline::in(kPatience);
  for (;;) {
    auto door = connect_to(run_dir + verbs::kDoorName);
    if (door) {
      wire::Message wish{verbs::kTakeOver, {}};
      wish.set("pid", static_cast<uint64_t>(::getpid()));
      TRY(base::send_with_fds(door->get(), wire::encode(wish).value_or(""), {}));
      return door;
    }
    if (deadline.passed()) return door;
    std::this_thread::sleep_for(20ms);
  }
}

base::Result<pid_t> take_everything(int channel, OwnHolding* held) {
  std::array<char, 65600> buffer;
  for (;;) {
    pollfd wait{channel, POLLIN, 0};
    if (::poll(&wait, 1, kSilenceMs) == 0)
      return base::fail(ETIMEDOUT, "the emperor hands nothing over");
    auto received = base::receive_with_fds(channel, buffer);
    if (!received && received.error().is(std::errc::resource_unavailable_try_again))
      continue;
    if (!received) return std::unexpected(received.error());
    if (received->size == 0) return base::fail(EPIPE, "the emperor went away");
    const auto message = wire::decode_message({buffer.data(), received->size});
    if (!message) continue;
    if (message->verb == verbs::kRefused)
      return base::fail(std::string(message->get("reason")));
    if (message->verb == verbs::kHold && received->fds.size() == 1)
      held->hold(std::string(message->get("name")), received->fds.front().get());
    if (message->verb == verbs::kTaken)
      return static_cast<pid_t>(message->number("pid").value_or(0));
  }
}

}  // namespace emperor
