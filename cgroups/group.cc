#include "cgroups/group.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <ranges>
#include <set>

#include "cgroups/library.h"
#include "cgroups/name.h"

namespace cgroups {

namespace {

constexpr std::string_view kLeafPrefix = "gen-";

bool is_missing(const base::Error& error) {
  return error.is(std::errc::no_such_file_or_directory);
}

// "/imperium/blog/gen-7" -> 7
std::optional<uint64_t> generation_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with(kLeafPrefix)) return std::nullopt;
  return parse_number(name.substr(kLeafPrefix.size()));
}

void add_leaves(const Place& group, std::set<uint64_t>& found) {
  std::error_code error;
  std::filesystem::directory_iterator at(group.directory(), error);
  for (const std::filesystem::directory_iterator end; !error && at != end;
       at.increment(error))
    if (const auto generation = generation_of(at->path().string()))
      found.insert(*generation);
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
  out.oom_kills = oom_kills();
  return out;
}

// v2 counts for the whole group. v1 counts where the victim was: in leaves that are
// there, and in those that were.
uint64_t Group::oom_kills() const {
  const Place* memory = place_of("memory");
  if (memory == nullptr) return 0;
  if (memory->hierarchy.version == Version::v2) return oom_kills_in(memory);
  std::set<uint64_t> present;
  add_leaves(*memory, present);
  uint64_t kills = past_oom_kills_;
  for (const uint64_t generation : present)
    kills += existing_leaf(generation).oom_kills();
  for (const auto& [generation, count] : leaving_)
    if (!present.contains(generation)) kills += count;
  return kills;
}

void Group::keep_counts_of(const Leaf& leaf) {
  const Place* memory = place_of("memory");
  if (memory == nullptr || memory->hierarchy.version == Version::v2) return;
  std::set<uint64_t> present;
  add_leaves(*memory, present);
  std::erase_if(leaving_, [&](const auto& entry) {
    if (present.contains(entry.first)) return false;
    past_oom_kills_ += entry.second;
    return true;
  });
  if (const auto generation = generation_of(leaf.text());
      generation && present.contains(*generation))
    leaving_[*generation] = leaf.oom_kills();
}

base::Result<Removal> Group::try_remove() {
  if (!leaves().empty()) return Removal::populated;
  return remove_everywhere(places_);
}

std::string Group::text() const {
  return places_.empty() ? "" : places_.front().path;
}

std::string Group::directory(std::string_view controller) const {
  const Place* place = place_of(controller);
  return place != nullptr ? place->directory() : "";
}

}  // namespace cgroups
