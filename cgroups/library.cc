#include "cgroups/library.h"

#include <unistd.h>

#include <memory>

#include <libcgroup.h>

namespace cgroups::library {

namespace {

struct FreeGroup {
  void operator()(cgroup* group) const { cgroup_free(&group); }
};
using GroupHandle = std::unique_ptr<cgroup, FreeGroup>;

GroupHandle new_group(const std::string& path) {
  return GroupHandle(cgroup_new_cgroup(path.c_str()));
}

base::Result<cgroup_controller*> add(const GroupHandle& group,
                                     const std::string& controller) {
  cgroup_controller* added =
      group ? cgroup_add_controller(group.get(), controller.c_str()) : nullptr;
  if (added == nullptr) return base::fail(ENOMEM, "cgroup " + controller);
  return added;
}

// "memory:/imperium/blog/memory.max: Invalid argument"
std::unexpected<base::Error> failed(int code, const std::string& what) {
  switch (code) {
    case ECGOTHER:
      return base::fail(cgroup_get_last_errno(), what);
    case ECGROUPVALUENOTEXIST:
    case ECGROUPNOTEXIST:
      return base::fail(ENOENT, what);
    case ECGROUPNOTALLOWED:
      return base::fail(EACCES, what);
    default:
      return base::fail(what + ": " + cgroup_strerror(code));
  }
}

std::string noun(const std::string& controller, const std::string& path) {
  return "cgroup " + controller + ":" + path;
}

base::Result<std::string> directory_of(const std::string& path,
                                       const std::string& controller) {
  char* mount = nullptr;
  const int code = cgroup_get_subsys_mount_point(controller.c_str(), &mount);
  const std::unique_ptr<char, decltype(&::free)> owner(mount, &::free);
  if (code != 0) return failed(code, noun(controller, path));
  return std::string(mount) + path;
}

}  // namespace

base::Result<> init() {
  const int code = cgroup_init();
  if (code != 0) return failed(code, "libcgroup");
  return {};
}

base::Result<> make(const std::string& path, std::span<const std::string> controllers) {
  const GroupHandle group = new_group(path);
  for (const std::string& controller : controllers)
    TRY(add(group, controller));
  const int code = cgroup_create_cgroup(group.get(), 1);
  if (code != 0) return failed(code, noun(controllers.front(), path));
  // mkdir's EEXIST counts as success in the library, also when a file has that name.
  TRY_ASSIGN(const std::string directory, directory_of(path, controllers.front()));
  if (::access((directory + "/cgroup.procs").c_str(), F_OK) != 0)
    return base::fail_errno(noun(controllers.front(), path));
  return {};
}

base::Result<> write(const std::string& path,
                     const std::string& controller,
                     const std::string& file,
                     const std::string& value) {
  const GroupHandle group = new_group(path);
  TRY_ASSIGN(cgroup_controller * target, add(group, controller));
  int code = cgroup_add_value_string(target, file.c_str(), value.c_str());
  if (code == 0) code = cgroup_modify_cgroup(group.get());
  if (code != 0) return failed(code, noun(controller, path) + "/" + file + " = " + value);
  return {};
}

base::Result<std::string> read(const std::string& path,
                               const std::string& controller,
                               const std::string& file) {
  std::string content;
  char buffer[4096];
  void* handle = nullptr;
  std::string name = file;  // the library asks for a char* and does not write to it
  int code = cgroup_read_value_begin(controller.c_str(), path.c_str(), name.data(),
                                     &handle, buffer, sizeof(buffer));
  for (; code == 0; code = cgroup_read_value_next(&handle, buffer, sizeof(buffer)))
    content += buffer;
  if (handle != nullptr) cgroup_read_value_end(&handle);
  if (code != ECGEOF) return failed(code, noun(controller, path) + "/" + file);
  return content;
}

base::Result<> remove(const std::string& path, const std::string& controller) {
  const GroupHandle group = new_group(path);
  TRY(add(group, controller));
  const int code = cgroup_delete_cgroup_ext(group.get(), CGFLAG_DELETE_EMPTY_ONLY);
  if (code == ECGNONEMPTY) return base::fail(EBUSY, noun(controller, path));
  if (code != 0) return failed(code, noun(controller, path));
  // A busy group comes back as success: only its absence proves that it was removed.
  TRY_ASSIGN(const std::string directory, directory_of(path, controller));
  if (::access(directory.c_str(), F_OK) == 0)
    return base::fail(EBUSY, noun(controller, path));
  return {};
}

}  // namespace cgroups::library
