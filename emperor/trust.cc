#include "emperor/trust.h"

#include <sys/stat.h>

#include <filesystem>

#include <fmt/core.h>

namespace emperor {

namespace {

std::optional<std::string> fault_of(const Ownership& o, uid_t self) {
  if (o.uid != 0 && o.uid != self)
    return fmt::format("{} is owned by uid {}: give it to root, or set trusted = true",
                       o.path, o.uid);
  if ((o.mode & (S_IWGRP | S_IWOTH)) != 0)
    return fmt::format(
        "{} can be written by others (mode {:04o}): chmod go-w it, or set trusted = true",
        o.path, o.mode & 07777);
  return std::nullopt;
}

}  // namespace

std::optional<Ownership> directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  struct stat s{};
  if (::stat(directory.c_str(), &s) != 0) return std::nullopt;
  return Ownership{directory, s.st_uid, s.st_mode};
}

std::optional<std::string> distrust_place(const Ownership& directory, uid_t self) {
  return fault_of(directory, self);
}

std::optional<std::string> distrust(const Ownership& file,
                                    const Ownership& directory,
                                    uid_t self) {
  if (!S_ISREG(file.mode)) return file.path + " is not a regular file";
  if (auto fault = fault_of(file, self)) return fault;
  return fault_of(directory, self);
}

std::optional<std::string> distrust_opened(const Ownership& file,
                                           uid_t reader,
                                           uid_t self) {
  const bool privileged = self == 0 && reader == 0;
  if (!privileged || file.uid == 0) return std::nullopt;
  return fmt::format(
      "{} is owned by uid {} and was read with root's rights: a file of root's can only "
      "use root's",
      file.path, file.uid);
}

std::optional<std::string> distrust_tyrant(const Ownership& file,
                                           bool link,
                                           const Ownership& directory,
                                           uid_t self) {
  if (!S_ISREG(file.mode)) return file.path + " is not a regular file";
  if (file.uid == 0)
    return file.path +
           " is owned by root: in tyrant mode a vassal runs as the owner of its file";
  if ((file.mode & (S_IWGRP | S_IWOTH)) != 0)
    return fmt::format("{} can be written by others (mode {:04o}): chmod go-w it",
                       file.path, file.mode & 07777);
  if (!link) return std::nullopt;
  if (const auto fault = fault_of(directory, self))
    return fmt::format("{} is a link where others than root can put one: {}", file.path,
                       *fault);
  return std::nullopt;
}

}  // namespace emperor
