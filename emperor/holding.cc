#include "emperor/holding.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

namespace emperor {

namespace {

constexpr std::string_view kPrefix = "imperium.";
constexpr size_t kLongest = 255;
constexpr int kFirst = 3;  // SD_LISTEN_FDS_START

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/._-@").find(c) != std::string_view::npos;
}

int environment_number(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? 0 : std::atoi(value);
}

}  // namespace

void OwnHolding::hold(const std::string& name, int fd) {
  if (auto copy = base::duplicate(fd)) held_[name] = *std::move(copy);
}

base::Fd OwnHolding::take(const std::string& name) {
  auto node = held_.extract(name);
  return node.empty() ? base::Fd() : std::move(node.mapped());
}

void StoreHolding::hold(const std::string& name, int fd) {
  if (!notify_) return;
  release(name);  // the store would keep both
  // Without FDPOLL=0 a channel whose other end is gone would be thrown away.
  if (const auto stored = store_name(name))
    notify_.say("FDSTORE=1\nFDNAME=" + *stored + "\nFDPOLL=0", fd);
}

void StoreHolding::release(const std::string& name) {
  if (!notify_) return;
  if (const auto stored = store_name(name))
    notify_.say("FDSTOREREMOVE=1\nFDNAME=" + *stored);
}

std::optional<std::string> store_name(std::string_view name) {
  std::string stored(kPrefix);
  for (const char c : name) {
    if (stands_for_itself(c)) {
      stored += c;
      continue;
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    stored.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  if (stored.size() > kLongest) return std::nullopt;
  return stored;
}

std::optional<std::string> name_in_store(std::string_view stored) {
  if (!stored.starts_with(kPrefix)) return std::nullopt;
  stored.remove_prefix(kPrefix.size());
  std::string name;
  for (size_t i = 0; i < stored.size(); ++i) {
    if (stored[i] != '%') {
      name += stored[i];
      continue;
    }
    unsigned byte = 0;
    const char* digits = stored.data() + i + 1;
    if (i + 2 >= stored.size() ||
        std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
      return std::nullopt;
    name += static_cast<char>(byte);
    i += 2;
  }
  return name;
}

Held from_service_manager() {
  Held held;
  const int count = environment_number("LISTEN_FDS");
  const bool ours = environment_number("LISTEN_PID") == ::getpid();
  const char* names_text = ::getenv("LISTEN_FDNAMES");
  const std::string names = names_text == nullptr ? "" : names_text;
  for (const char* variable : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})
    ::unsetenv(variable);
  if (!ours) return held;
  size_t at = 0;
  for (int fd = kFirst; fd < kFirst + count; ++fd) {
    const size_t end = std::min(names.find(':', at), names.size());
    const auto name = name_in_store(std::string_view(names).substr(at, end - at));
    at = std::min(end + 1, names.size());
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (name) held[*name] = base::Fd(fd);
  }
  return held;
}

}  // namespace emperor
