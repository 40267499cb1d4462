#include "cgroups/group.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <ranges>
#include <set>

#include "base/files.h"
#include "base/process.h"
#include "cgroups/library.h"
#include "cgroups/name.h"

namespace cgroups {

namespace {

constexpr size_t kProcsLimit = 4 << 20;
constexpr size_t kMembershipLimit = 64 << 10;
// Each pass kills what appeared during the one before; with forks forbidden two are
// enough.
constexpr int kKillPasses = 16;

bool is_missing(const base::Error& error) {
  return error.is(std::errc::no_such_file_or_directory);
}
bool is_busy(const base::Error& error) {
  return error.is(std::errc::device_or_resource_busy);
}

bool has_line(std::string_view text, std::string_view line) {
  const std::string whole = "\n" + std::string(text);
  return whole.find("\n" + std::string(line) + "\n") != std::string::npos;
}

base::Result<std::string> membership_of(pid_t pid) {
  return base::read_file("/proc/" + std::to_string(pid) + "/cgroup", kMembershipLimit);
}

bool in_any(const std::vector<Place>& places, pid_t pid) {
  const auto text = membership_of(pid);
  return text && std::ranges::any_of(places, [&](const Place& place) {
           return has_line(*text, place.hierarchy.line_of(place.path));
         });
}

// The pid may have been reused since it was listed: only who is inside now, seen through
// a handle, is killed.
void kill_one(const std::vector<Place>& places, pid_t pid) {
  const auto process = base::Pidfd::open(pid);
  if (process && in_any(places, pid)) (void)process->signal(SIGKILL);
}

bool kill_by_kernel(const Place& place) {
  if (place.hierarchy.version != Version::v2) return false;
  const base::Fd file(
      ::open((place.directory() + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  return file && base::write_all(file.get(), "1").has_value();
}

base::Result<Removal> remove_places(const std::vector<Place>& places) {
  Removal result = Removal::removed;
  for (const Place& place : places | std::views::reverse) {
    auto removed = library::remove(place.path, place.controller());
    if (removed) continue;
    if (!is_busy(removed.error())) return std::unexpected(std::move(removed).error());
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

const Place* find_place(const std::vector<Place>& places, std::string_view controller) {
  const auto found = std::ranges::find_if(
      places, [&](const Place& p) { return p.hierarchy.has(controller); });
  return found == places.end() ? nullptr : &*found;
}

uint64_t oom_kills_in(const Place* memory) {
  if (memory == nullptr) return 0;
  const bool v2 = memory->hierarchy.version == Version::v2;
  return read_keyed(memory, v2 ? "memory.events" : "memory.oom_control", "oom_kill");
}

base::Result<base::Fd> open_in(const Place& place, const char* file, int flags) {
  const std::string path = place.directory() + "/" + file;
  base::Fd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd) return base::fail_errno("open " + path);
  return fd;
}

void add_leaves(const Place& group, std::set<uint64_t>& found) {
  std::error_code error;
  std::filesystem::directory_iterator at(group.directory(), error);
  for (const std::filesystem::directory_iterator end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with("gen-")) continue;
    if (const auto generation = parse_number(std::string_view(name).substr(4)))
      found.insert(*generation);
  }
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// For every limit that was not asked for, what a fresh group has: the group may be an old
// one.
std::vector<FileValue> unasked_defaults(const Settings& settings,
                                        const Controllers& controllers) {
  std::vector<FileValue> out = default_settings(controllers);
  std::erase_if(out, [&](const FileValue& value) {
    return std::ranges::find(settings.values, value.file, &FileValue::file) !=
           settings.values.end();
  });
  return out;
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
    const bool existed = ::access(place.directory().c_str(), F_OK) == 0;
    if (!existed) made.push_back(place);
    if (auto result = library::make(place.path, place.hierarchy.controllers); !result) {
      (void)remove_places(made);
      return result;
    }
  }
  return {};
}

// ---- Leaf

base::Result<Attachment> Leaf::attachment() const {
  Attachment out;
  for (const Place& place : places_) {
    out.lines.push_back(place.hierarchy.line_of(place.path));
    if (place.hierarchy.version == Version::v1) {
      TRY_ASSIGN(base::Fd tasks, open_in(place, "tasks", O_WRONLY));
      out.tasks.push_back(std::move(tasks));
    } else {
      TRY_ASSIGN(out.v2_procs, open_in(place, "cgroup.procs", O_WRONLY));
      TRY_ASSIGN(out.v2_directory, open_in(place, ".", O_PATH | O_DIRECTORY));
    }
  }
  return out;
}

bool Leaf::holds(pid_t pid) const {
  const auto text = membership_of(pid);
  return text && std::ranges::all_of(places_, [&](const Place& place) {
           return has_line(*text, place.hierarchy.line_of(place.path));
         });
}

base::Result<std::vector<pid_t>> Leaf::processes() const {
  std::set<pid_t> all;
  for (const Place& place : places_) {
    auto pids = read_procs(place.directory());
    if (!pids && is_missing(pids.error())) continue;
    if (!pids) return pids;
    all.insert(pids->begin(), pids->end());
  }
  return std::vector<pid_t>(all.begin(), all.end());
}

base::Result<> Leaf::forbid_forks() const {
  const Place* pids = find_place(places_, "pids");
  if (pids == nullptr) return {};
  return library::write(pids->path, "pids", "pids.max", "0");
}

base::Result<Removal> Leaf::kill() {
  const bool by_kernel = !places_.empty() && std::ranges::all_of(places_, kill_by_kernel);
  if (!by_kernel)
    (void)forbid_forks();  // where it cannot be done, the passes below still end
  std::set<pid_t> done;
  for (int pass = 0; pass < kKillPasses; ++pass) {
    TRY_ASSIGN(const std::vector<pid_t> inside, processes());
    if (inside.empty()) return Removal::removed;
    bool fresh = false;
    for (const pid_t pid : inside) {
      if (!done.insert(pid).second) continue;
      fresh = true;
      if (!by_kernel) kill_one(places_, pid);
    }
    if (!fresh) break;
  }
  return Removal::populated;
}

base::Result<Removal> Leaf::try_remove() {
  return remove_places(places_);
}

uint64_t Leaf::oom_kills() const {
  return oom_kills_in(find_place(places_, "memory"));
}

std::string Leaf::text() const {
  return places_.empty() ? "" : places_.front().path;
}

// ---- Group

const Place* Group::place_of(std::string_view controller) const {
  return find_place(places_, controller);
}

base::Result<> Group::apply(const FileValue& value) const {
  const std::string& path = place_of(value.controller)->path;
  TRY(library::write(path, value.controller, value.file, value.value));
  TRY_ASSIGN(const std::string now, library::read(path, value.controller, value.file));
  if (same_value(value.file, value.value, now)) return {};
  return base::fail("cgroup " + value.controller + ":" + path + "/" + value.file + " = " +
                    value.value + ": the kernel made it " + first_line(now));
}

// Keeps what was there in `undo` before it writes.
base::Result<> Group::change(const FileValue& value, std::vector<FileValue>& undo) const {
  const Place* place = place_of(value.controller);
  if (place == nullptr)
    return base::fail(ENODEV, "cgroup controller " + value.controller);
  TRY_ASSIGN(const std::string before,
             library::read(place->path, value.controller, value.file));
  if (same_value(value.file, value.value, before)) return {};
  undo.push_back({value.controller, value.file, first_line(before)});
  return apply(value);
}

base::Result<> Group::change_all(Settings& settings, std::vector<FileValue>& undo) const {
  for (const FileValue& value : unasked_defaults(settings, controllers_))
    if (auto changed = change(value, undo); !changed && !is_missing(changed.error()))
      return changed;
  for (const FileValue& value : settings.values)
    TRY(change(value, undo));
  for (const FileValue& value : settings.optional) {
    auto changed = change(value, undo);
    if (!changed && !is_missing(changed.error())) return changed;
    if (!changed)
      settings.unsupported.push_back({value.file, "this kernel has no such file"});
  }
  if (shortfall_ == Shortfall::refuse && !settings.unsupported.empty())
    return base::fail("cgroups = required: " + settings.unsupported.front().message());
  return {};
}

base::Result<std::vector<Unsupported>> Group::set_limits(const Limits& limits) {
  Settings settings = settings_for(limits, controllers_);
  std::vector<FileValue> undo;
  auto changed = change_all(settings, undo);
  if (changed) return std::move(settings.unsupported);
  for (const FileValue& old : undo | std::views::reverse)
    (void)library::write(place_of(old.controller)->path, old.controller, old.file,
                         old.value);
  return std::unexpected(std::move(changed).error());
}

std::vector<Place> Group::leaf_places(uint64_t generation) const {
  std::vector<Place> places = places_;
  for (Place& place : places)
    place.path = join(place.path, leaf_name(generation));
  return places;
}

base::Result<Leaf> Group::make_leaf(uint64_t generation) {
  std::vector<Place> places = leaf_places(generation);
  TRY(make_everywhere(places));
  return Leaf(std::move(places));
}

Leaf Group::existing_leaf(uint64_t generation) const {
  return Leaf(leaf_places(generation));
}

std::vector<uint64_t> Group::leaves() const {
  std::set<uint64_t> found;
  for (const Place& place : places_)
    add_leaves(place, found);
  return {found.begin(), found.end()};
}

Usage Group::usage() const {
  Usage out;
  const auto version = [](const Place* p) {
    return p != nullptr ? p->hierarchy.version : Version::v2;
  };
  const Place* memory = place_of("memory");
  out.memory_bytes =
      read_number(memory, version(memory) == Version::v1 ? "memory.usage_in_bytes"
                                                         : "memory.current");
  if (const Place* account = place_of("cpuacct"); account != nullptr)
    out.cpu_seconds = static_cast<double>(read_number(account, "cpuacct.usage")) / 1e9;
  else if (const Place* cpu = place_of("cpu"); version(cpu) == Version::v2)
    out.cpu_seconds =
        static_cast<double>(read_keyed(cpu, "cpu.stat", "usage_usec")) / 1e6;
  out.pids = read_number(place_of("pids"), "pids.current");
  out.oom_kills = kept_oom_kills_;
  if (version(memory) == Version::v2) {
    out.oom_kills += oom_kills_in(memory);
  } else {
    std::set<uint64_t> generations;
    add_leaves(*memory, generations);
    for (const uint64_t generation : generations)
      out.oom_kills += existing_leaf(generation).oom_kills();
  }
  return out;
}

void Group::keep_counts_of(const Leaf& leaf) {
  const Place* memory = place_of("memory");
  if (memory != nullptr && memory->hierarchy.version == Version::v1)
    kept_oom_kills_ += leaf.oom_kills();
}

base::Result<Removal> Group::try_remove() {
  if (!leaves().empty()) return Removal::populated;
  return remove_places(places_);
}

std::string Group::text() const {
  return places_.empty() ? "" : places_.front().path;
}

std::string Group::directory(std::string_view controller) const {
  const Place* place = place_of(controller);
  return place != nullptr ? place->directory() : "";
}

}  // namespace cgroups
