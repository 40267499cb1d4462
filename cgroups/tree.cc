#include "cgroups/tree.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

#include "cgroups/delegation.h"
#include "cgroups/library.h"
#include "cgroups/name.h"

namespace cgroups {

namespace {

std::string hex(uint32_t value) {
  std::string out(8, '0');
  for (size_t i = 8; i-- > 0; value >>= 4)
    out[i] = "0123456789abcdef"[value & 15];
  return out;
}

// Every level between `base`, which exists, and `path`: libcgroup hands controllers on
// from the direct parent only.
base::Result<> make_levels(const Hierarchy& hierarchy,
                           std::string_view base,
                           const std::string& path) {
  size_t at = base == "/" ? 0 : base.size();
  while (at != std::string::npos && at < path.size()) {
    at = path.find('/', at + 1);
    TRY(library::make(path.substr(0, at), hierarchy.controllers));
  }
  return {};
}

bool is_below(std::string_view path, std::string_view base) {
  if (base == "/") return true;
  return path.starts_with(base) && path.substr(base.size()).starts_with('/');
}

std::string version_text(Version version) {
  return version == Version::v1 ? "v1" : "v2";
}

base::Result<std::string> checked_root(std::string root) {
  while (root.size() > 1 && root.ends_with('/'))
    root.pop_back();
  if (!root.empty() && !root.starts_with('/')) root.insert(0, "/");
  if (root == "/" || (root + "/").find("/../") != std::string::npos ||
      root.find("//") != std::string::npos)
    return base::fail(EINVAL, "cgroup-root = " + root);
  return root;
}

std::string wanted_version(Mode mode) {
  if (mode == Mode::v1) return "cgroup v1";
  if (mode == Mode::v2) return "cgroup v2";
  return "cgroup";
}

// v1's cpuset wants its files filled in before anybody may enter: no group of ours is
// made there.
bool can_be_set(std::string_view controller, Version version) {
  return controller != "cpuset" || version == Version::v2;
}

std::vector<std::string> controllers_of(const Limits& limits) {
  std::vector<std::string> out;
  out.reserve(limits.raw.size());
  for (const auto& [file, value] : limits.raw)
    out.push_back(file.substr(0, file.find('.')));
  return out;
}

}  // namespace

std::string root_name_for(std::string_view run_dir) {
  while (run_dir.ends_with('/'))
    run_dir.remove_suffix(1);
  if (run_dir == "/run/imperium") return "imperium";
  uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : run_dir)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return "imperium-" + hex(hash);
}

std::string Tree::root_in(const Hierarchy& hierarchy) const {
  if (!options_.root.empty()) return options_.root;
  return join(hierarchy.own_path, options_.root_name);
}

const Place* Tree::root_of(const Hierarchy& hierarchy) const {
  const auto found = std::ranges::find(
      places_, hierarchy.label,
      [](const Place& p) -> const std::string& { return p.hierarchy.label; });
  return found == places_.end() ? nullptr : &*found;
}

base::Result<> Tree::hand_down(const Place& place) const {
  const Hierarchy& hierarchy = place.hierarchy;
  const bool below_us = is_below(place.path, hierarchy.own_path);
  return make_levels(hierarchy, below_us ? hierarchy.own_path : "/", place.path);
}

// Where v2 lets us make limited groups: below ourselves, or, where others live in our
// group (a login shell that started us), below the top, which may hold both.
base::Result<> Tree::settle(Hierarchy& v2) {
  if (!is_below(root_in(v2), v2.own_path)) return {};
  auto room = make_room(v2, options_.companions);
  if (room || !options_.root.empty() || !is_true_root(v2.mount_point)) return room;
  notes_.push_back(room.error().context + ": using the top of the hierarchy");
  v2.own_path = "/";
  v2.controllers = controllers_at(v2.mount_point);
  return {};
}

base::Result<> Tree::add(Hierarchy& hierarchy) {
  if (hierarchy.version == Version::v2) TRY(settle(hierarchy));
  Place root{hierarchy, root_in(hierarchy)};
  root.hierarchy.controllers = used_controllers(hierarchy, options_.mode);
  TRY(hand_down(root));
  notes_.push_back(version_text(hierarchy.version) + " " + root.directory());
  places_.push_back(std::move(root));
  return {};
}

// Uses what there is; under anything but `auto` the first failure is one of the whole.
base::Result<> Tree::add_all() {
  const bool insist = options_.mode != Mode::automatic;
  for (Hierarchy& hierarchy : available_) {
    if (used_controllers(hierarchy, options_.mode).empty()) continue;
    auto added = add(hierarchy);
    if (!added && insist) return added;
    if (!added) notes_.push_back("not used: " + added.error().message());
  }
  if (active()) return {};
  if (insist)
    return base::fail(ENODEV, wanted_version(options_.mode) +
                                  " with memory, cpu or pids on this machine");
  notes_.emplace_back("no usable cgroup: limits are not enforced");
  return {};
}

base::Result<Tree> Tree::open(Options options) {
  Tree tree;
  TRY_ASSIGN(options.root, checked_root(options.root));
  tree.options_ = std::move(options);
  const Mode mode = tree.options_.mode;
  if (mode == Mode::off) return tree;
  TRY_ASSIGN(const Layout layout, read_layout());
  if (auto ready = library::init(); ready) {
    tree.available_ = allowed_by(layout, mode);
  } else if (mode != Mode::automatic) {
    return std::unexpected(std::move(ready).error());
  }
  TRY(tree.add_all());
  return tree;
}

// A hierarchy that every vassal uses but where our root could not be made is not usable
// at all.
Controllers Tree::controllers() const {
  Controllers out;
  for (const Hierarchy& hierarchy : available_)
    if (root_of(hierarchy) != nullptr ||
        used_controllers(hierarchy, options_.mode).empty())
      for (const std::string& name : hierarchy.controllers)
        out.emplace(name, hierarchy.version);
  return out;
}

// Where every vassal has a group, and where this one's raw limits need one besides.
std::vector<Place> Tree::places_for(const std::string& component,
                                    const Limits& limits) const {
  std::vector<Place> places;
  const auto extra = controllers_of(limits);
  for (const Hierarchy& hierarchy : available_) {
    const Place* root = root_of(hierarchy);
    Place place{hierarchy, join(root_in(hierarchy), component)};
    Hierarchy& used = place.hierarchy;
    used.controllers =
        root != nullptr ? root->hierarchy.controllers : std::vector<std::string>{};
    for (const std::string& name : extra)
      if (hierarchy.has(name) && !used.has(name) && can_be_set(name, used.version))
        used.controllers.push_back(name);
    const bool left_over = ::access(place.directory().c_str(), F_OK) == 0;
    if (used.controllers.empty() && left_over) used.controllers = hierarchy.controllers;
    if (!used.controllers.empty()) places.push_back(std::move(place));
  }
  return places;
}

base::Result<Created> Tree::create(std::string_view vassal, const Limits& limits) const {
  Created out;
  if (!active()) {
    for (const Unsupported& u : settings_for(limits, {}).unsupported)
      out.warnings.push_back(u.limit + ": cgroups are off");
    return out;
  }
  TRY_ASSIGN(const std::string component, component_of(vassal));
  const std::vector<Place> places = places_for(component, limits);
  std::vector<Place> fresh;
  std::ranges::copy_if(places, std::back_inserter(fresh), [](const Place& place) {
    return ::access(place.directory().c_str(), F_OK) != 0;
  });
  TRY(make_vassal_groups(places));
  out.group = Group(places, controllers(), shortfall());
  auto unsupported = out.group.set_limits(limits);
  if (!unsupported) {
    for (const Place& place : fresh)
      (void)library::remove(place.path, place.controller());
    return std::unexpected(std::move(unsupported).error());
  }
  for (const Unsupported& u : *unsupported)
    out.warnings.push_back(u.message());
  return out;
}

// A raw limit may need a controller that others do not use: every level has to hand it
// down.
base::Result<> Tree::make_vassal_groups(const std::vector<Place>& places) const {
  for (const Place& place : places) {
    const Place* root = root_of(place.hierarchy);
    if (root == nullptr || root->hierarchy != place.hierarchy)
      TRY(hand_down({place.hierarchy, root_in(place.hierarchy)}));
  }
  return make_everywhere(places);
}

Shortfall Tree::shortfall() const {
  return options_.mode == Mode::required ? Shortfall::refuse : Shortfall::warn;
}

base::Result<Group> Tree::existing(std::string_view vassal) const {
  TRY_ASSIGN(const std::string component, component_of(vassal));
  return Group(places_for(component, {}), controllers(), shortfall());
}

std::vector<std::string> Tree::vassals() const {
  std::set<std::string> found;
  for (const Place& root : places_) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(root.directory(), error), end;
         !error && at != end; at.increment(error)) {
      if (!at->is_directory(error)) continue;
      if (auto name = vassal_of(at->path().filename().string()))
        found.insert(*std::move(name));
    }
  }
  return {found.begin(), found.end()};
}

void Tree::try_remove() const {
  for (const Hierarchy& hierarchy : available_)
    if (!hierarchy.controllers.empty())
      (void)library::remove(root_in(hierarchy), hierarchy.controllers.front());
}

std::string Tree::text() const {
  return places_.empty() ? "" : places_.front().path;
}

}  // namespace cgroups
