#include "vassal/leftovers.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/files.h"

namespace vassal {

void end_leftovers() {
  for (;;) {
    const std::string list =
        "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    const std::string pids = base::read_file(list, 1 << 20).value_or("");
    for (const char* at = pids.c_str(); *at != '\0';) {
      char* end = nullptr;
      const long pid = std::strtol(at, &end, 10);
      if (pid > 0) ::kill(static_cast<pid_t>(pid), SIGKILL);
      at = end == at ? at + 1 : end;
    }
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
  }
}

}  // namespace vassal
