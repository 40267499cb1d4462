#include "cgroups/hierarchy.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/files.h"

namespace cgroups {

namespace {

constexpr size_t kFileLimit = 1 << 20;
constexpr std::string_view kSupervisorSuffix = "/supervisor";
constexpr std::array<std::string_view, 4> kWanted = {"memory", "cpu", "cpuacct", "pids"};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const size_t at = text.find(separator);
    if (at == std::string_view::npos) {
      if (!text.empty()) out.push_back(text);
      return out;
    }
    if (at > 0) out.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct MountLine {
  std::string root;
  std::string point;
  std::string_view type;
  std::vector<std::string_view>
      options;  // of the super block: they name v1's controllers
};

std::optional<MountLine> parse_mount(std::string_view line) {
  const auto fields = split(line, ' ');
  const auto dash = std::ranges::find(fields, "-");
  if (fields.size() < 5 || fields.end() - dash < 4) return std::nullopt;
  return MountLine{unescape(fields[3]), unescape(fields[4]), *(dash + 1),
                   split(*(dash + 3), ',')};
}

// "/docker/1/x" seen through a mount of "/docker/1" is "/x"; what is outside the mount is
// its top.
std::string below(std::string_view path, std::string_view root) {
  if (root == "/") return path.empty() ? "/" : std::string(path);
  if (!path.starts_with(root)) return "/";
  path.remove_prefix(root.size());
  return path.empty() ? "/" : std::string(path);
}

bool carries(const MountLine& mount, const std::vector<std::string_view>& controllers) {
  return std::ranges::all_of(controllers, [&](std::string_view c) {
    return std::ranges::find(mount.options, c) != mount.options.end();
  });
}

std::optional<Hierarchy> parse_membership(std::string_view line,
                                          const std::vector<MountLine>& mounts) {
  const size_t first = line.find(':');
  const size_t second = line.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos)
    return std::nullopt;
  const std::string_view names = line.substr(first + 1, second - first - 1);
  std::string_view path = line.substr(second + 1);
  if (!path.starts_with('/')) return std::nullopt;
  if (names.starts_with("name="))
    return std::nullopt;                    // no controllers: systemd's own book-keeping
  if (path.starts_with("/..")) path = "/";  // outside our cgroup namespace
  const bool v2 = names.empty();
  if (v2 && path.ends_with(kSupervisorSuffix))
    path.remove_suffix(kSupervisorSuffix.size());
  const auto controllers = split(names, ',');
  for (const MountLine& mount : mounts) {
    if (mount.type != (v2 ? "cgroup2" : "cgroup")) continue;
    if (!v2 && !carries(mount, controllers)) continue;
    return Hierarchy{v2 ? Version::v2 : Version::v1,
                     mount.point,
                     mount.root,
                     {controllers.begin(), controllers.end()},
                     below(path, mount.root),
                     std::string(line.substr(0, second + 1))};
  }
  return std::nullopt;
}

bool allowed(Mode mode, Version version) {
  switch (mode) {
    case Mode::automatic:
    case Mode::required:
      return true;
    case Mode::v1:
      return version == Version::v1;
    case Mode::v2:
      return version == Version::v2;
    case Mode::off:
      return false;
  }
  return false;
}

}  // namespace

base::Result<Mode> parse_mode(std::string_view text) {
  if (text == "auto") return Mode::automatic;
  if (text == "v1") return Mode::v1;
  if (text == "v2") return Mode::v2;
  if (text == "off") return Mode::off;
  if (text == "required") return Mode::required;
  return base::fail(
      EINVAL, "cgroups = " + std::string(text) + " (auto, v1, v2, off or required)");
}

bool Hierarchy::has(std::string_view controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

std::string Hierarchy::line_of(std::string_view path) const {
  if (mount_root == "/" || mount_root.starts_with("/.."))
    return label + std::string(path);
  return label + mount_root + (path == "/" ? "" : std::string(path));
}

const Hierarchy* Layout::of(std::string_view controller) const {
  const auto found = std::ranges::find_if(
      hierarchies, [&](const Hierarchy& h) { return h.has(controller); });
  return found == hierarchies.end() ? nullptr : &*found;
}

Hierarchy* Layout::v2() {
  const auto found = std::ranges::find(hierarchies, Version::v2, &Hierarchy::version);
  return found == hierarchies.end() ? nullptr : &*found;
}

Layout parse_layout(std::string_view proc_cgroup, std::string_view mountinfo) {
  std::vector<MountLine> mounts;
  for (const std::string_view line : split(mountinfo, '\n'))
    if (auto mount = parse_mount(line); mount && mount->type.starts_with("cgroup"))
      mounts.push_back(*std::move(mount));
  Layout layout;
  for (const std::string_view line : split(proc_cgroup, '\n'))
    if (auto hierarchy = parse_membership(line, mounts))
      layout.hierarchies.push_back(*std::move(hierarchy));
  return layout;
}

std::vector<std::string> parse_controllers(std::string_view text) {
  while (text.ends_with('\n'))
    text.remove_suffix(1);
  const auto names = split(text, ' ');
  return {names.begin(), names.end()};
}

std::vector<Hierarchy> allowed_by(const Layout& layout, Mode mode) {
  std::vector<Hierarchy> out;
  for (const Hierarchy& hierarchy : layout.hierarchies)
    if (allowed(mode, hierarchy.version)) out.push_back(hierarchy);
  return out;
}

std::vector<std::string> used_controllers(const Hierarchy& hierarchy, Mode mode) {
  std::vector<std::string> used;
  for (const std::string_view name : kWanted)
    if (hierarchy.has(name)) used.emplace_back(name);
  // Asked for v2 alone: even a group without limits binds its processes together, to be
  // killed as one.
  if (used.empty() && mode == Mode::v2 && !hierarchy.controllers.empty())
    used.push_back(hierarchy.controllers.front());
  return used;
}

base::Result<Layout> read_layout() {
  TRY_ASSIGN(const std::string cgroup, base::read_file("/proc/self/cgroup", kFileLimit));
  TRY_ASSIGN(const std::string mounts,
             base::read_file("/proc/self/mountinfo", kFileLimit));
  Layout layout = parse_layout(cgroup, mounts);
  if (Hierarchy* v2 = layout.v2(); v2 != nullptr)
    v2->controllers = controllers_at(v2->mount_point + v2->own_path);
  return layout;
}

std::vector<std::string> controllers_at(const std::string& directory) {
  return parse_controllers(
      base::read_file(directory + "/cgroup.controllers", kFileLimit).value_or(""));
}

std::string join(std::string_view base, std::string_view name) {
  std::string out(base);
  if (!out.ends_with('/')) out += '/';
  return out += name;
}

}  // namespace cgroups
