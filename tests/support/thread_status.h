// What the kernel says of one of our own threads (proc(5), /proc/PID/task/TID/status).
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace support {

inline int thread_id() {
  return static_cast<int>(::syscall(SYS_gettid));
}

/// The word after `name`, "0" if there is none.
inline std::string thread_status(int id, const std::string& name) {
  std::ifstream status("/proc/self/task/" + std::to_string(id) + "/status");
  for (std::string word; status >> word;)
    if (word == name && status >> word) return word;
  return "0";
}

/// Whether it waits in the kernel.
inline bool sleeps(int id) {
  return thread_status(id, "State:") == "S";
}

}  // namespace support
