#include "cgroups/place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ranges>

#include "base/files.h"
#include "cgroups/library.h"
#include "cgroups/usage.h"

namespace cgroups {

namespace {

constexpr size_t kProcsLimit = 4 << 20;

// True if the group was not there before. On v1 one mkdir makes it; the library comes to
// the same with a look at the mount table and a mkdir for every level from the top, at
// each start of a vassal.
base::Result<bool> make(const Place& place) {
  const std::string directory = place.directory();
  if (place.hierarchy.version == Version::v1) {
    if (::mkdir(directory.c_str(), 0755) == 0) return true;
    if (errno == EEXIST && ::access((directory + "/cgroup.procs").c_str(), F_OK) == 0)
      return false;
  }
  const bool existed = ::access(directory.c_str(), F_OK) == 0;
  TRY(library::make(place.path, place.hierarchy.controllers));
  return !existed;
}

}  // namespace

base::Result<std::vector<pid_t>> read_procs(const std::string& directory) {
  TRY_ASSIGN(const std::string text,
             base::read_file(directory + "/cgroup.procs", kProcsLimit));
  std::vector<pid_t> pids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    if (error == std::errc{} && pid > 0)
      pids.push_back(pid);  // 0: from outside our pid namespace
    at = std::max(next, at) + 1;
  }
  return pids;
}

base::Result<> make_everywhere(std::span<const Place> places) {
  std::vector<Place> made;
  for (const Place& place : places) {
    const auto fresh = make(place);
    if (!fresh) {
      (void)remove_everywhere(made);
      return std::unexpected(fresh.error());
    }
    if (*fresh) made.push_back(place);
  }
  return {};
}

base::Result<Removal> remove_everywhere(std::span<const Place> places) {
  Removal result = Removal::removed;
  for (const Place& place : places | std::views::reverse) {
    auto removed = library::remove(place.path, place.controller());
    if (removed) continue;
    if (!removed.error().is(std::errc::device_or_resource_busy))
      return std::unexpected(std::move(removed).error());
    result = Removal::populated;
  }
  return result;
}

uint64_t read_keyed(const Place* place, const std::string& file, std::string_view key) {
  if (place == nullptr) return 0;
  const auto text = library::read(place->path, place->controller(), file);
  return text ? parse_flat_keyed(*text, key).value_or(0) : 0;
}

uint64_t read_number(const Place* place, const std::string& file) {
  if (place == nullptr) return 0;
  const auto text = library::read(place->path, place->controller(), file);
  return text ? parse_number(*text).value_or(0) : 0;
}

const Place* find_place(std::span<const Place> places, std::string_view controller) {
  const auto found = std::ranges::find_if(
      places, [&](const Place& p) { return p.hierarchy.has(controller); });
  return found == places.end() ? nullptr : &*found;
}

uint64_t oom_kills_in(const Place* memory) {
  if (memory == nullptr) return 0;
  const bool v2 = memory->hierarchy.version == Version::v2;
  return read_keyed(memory, v2 ? "memory.events" : "memory.oom_control", "oom_kill");
}

}  // namespace cgroups
