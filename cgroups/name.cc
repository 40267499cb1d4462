#include "cgroups/name.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace cgroups {

namespace {

constexpr size_t kNameMax = 255;

// "memory.stat", "cgroup.procs": a group called "memory.x" could meet a file of that
// name.
constexpr std::array<std::string_view, 18> kFilePrefixes = {
    "cgroup", "cpu",     "cpuacct",  "cpuset",     "memory",  "pids",
    "io",     "blkio",   "devices",  "freezer",    "hugetlb", "irq",
    "misc",   "net_cls", "net_prio", "perf_event", "rdma",    "dmem"};
constexpr std::array<std::string_view, 3> kFiles = {"tasks", "notify_on_release",
                                                    "release_agent"};

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-@:+,=").find(c) != std::string_view::npos;
}

void append_hex(std::string& out, char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// Such a name gets its first byte escaped, which no name of a file begins with.
bool looks_like_kernel_file(std::string_view name) {
  if (name.starts_with('.')) return true;
  if (std::ranges::find(kFiles, name) != kFiles.end()) return true;
  const size_t dot = name.find('.');
  return dot != std::string_view::npos &&
         std::ranges::find(kFilePrefixes, name.substr(0, dot)) != kFilePrefixes.end();
}

}  // namespace

base::Result<std::string> component_of(std::string_view vassal) {
  if (vassal.empty()) return base::fail(EINVAL, "cgroup of a vassal without a name");
  const bool escape_first = looks_like_kernel_file(vassal);
  std::string out;
  for (size_t i = 0; i < vassal.size(); ++i) {
    const char c = vassal[i];
    if (c == '/') {
      out += '~';
    } else if (!plain(c) || (i == 0 && escape_first)) {
      append_hex(out, c);
    } else {
      out += c;
    }
  }
  if (out.size() > kNameMax)
    return base::fail(ENAMETOOLONG, "cgroup name " + out.substr(0, 40) + "...");
  return out;
}

std::optional<std::string> vassal_of(std::string_view component) {
  std::string out;
  for (size_t i = 0; i < component.size(); ++i) {
    const char c = component[i];
    if (c == '~') {
      out += '/';
    } else if (c != '%') {
      out += c;
    } else {
      if (i + 2 >= component.size()) return std::nullopt;
      const int high = hex_value(component[i + 1]);
      const int low = hex_value(component[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  const auto again = component_of(out);
  if (!again || *again != component) return std::nullopt;
  return out;
}

std::string leaf_name(uint64_t generation) {
  return "gen-" + std::to_string(generation);
}

}  // namespace cgroups
