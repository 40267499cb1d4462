#include "emperor/heritage.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>

namespace emperor {

namespace {

constexpr std::array<std::string_view, 3> kRoles{"keeper", "emperor", "candidate"};

/// Cuts off what stands before the next ':'.
std::string_view next_part(std::string_view* rest) {
  const size_t end = std::min(rest->find(':'), rest->size());
  const auto part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return part;
}

bool parse_number(std::string_view text, int* out) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, *out);
  return error == std::errc{} && at == end;
}

}  // namespace

std::string Heritage::argument() const {
  std::string text(kFlag);
  text += std::to_string(channel) + ":" + std::to_string(lock) + ":";
  text += kRoles[static_cast<size_t>(role)];
  return text + (stand_in ? ":1:" : ":0:") + installed;
}

bool Heritage::parse(std::string_view argument, Heritage* out) {
  if (!argument.starts_with(kFlag)) return false;
  argument.remove_prefix(kFlag.size());
  int stand_in = 0;
  if (!parse_number(next_part(&argument), &out->channel)) return false;
  if (!parse_number(next_part(&argument), &out->lock)) return false;
  const auto word = next_part(&argument);
  const auto role = std::find(kRoles.begin(), kRoles.end(), word);
  if (role == kRoles.end() || !parse_number(next_part(&argument), &stand_in))
    return false;
  out->role = static_cast<Role>(role - kRoles.begin());
  out->stand_in = stand_in != 0;
  out->installed = argument;
  return true;
}

std::string installed_path(const std::string& argv0) {
  std::error_code error;
  if (argv0.find('/') != argv0.npos)
    return std::filesystem::absolute(argv0, error).lexically_normal();
  const char* path = ::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin" : path;
  while (!rest.empty()) {
    const std::string candidate = std::string(next_part(&rest)) + "/" + argv0;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::filesystem::read_symlink("/proc/self/exe", error);
}

}  // namespace emperor
