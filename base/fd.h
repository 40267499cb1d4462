// Fd: the owner of one file descriptor, and the few ways to make one.
//
// Every descriptor in Imperium is close-on-exec and owned by exactly one Fd; non-owning
// code takes an int. Only spawn (vassal/) carries descriptors through exec.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace base {

/// Owns a descriptor and closes it. Move-only; empty when default-made.
class [[nodiscard]] Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  /// The descriptor, still owned here; -1 if empty.
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// Gives ownership away. Rare: for C interfaces that take it over.
  int release() { return std::exchange(fd_, -1); }
  /// Closes now. errno is kept.
  void reset();

 private:
  int fd_ = -1;
};

/// Two connected ends: of a pipe (first reads, second writes) or of a socketpair.
struct FdPair {
  Fd first;
  Fd second;
};

/// Whether a new descriptor may block; says so instead of a bool.
enum class Blocking { yes, no };

/// pipe2(2), close-on-exec.
Result<FdPair> make_pipe(Blocking blocking = Blocking::yes);
/// socketpair(2) of AF_UNIX and `type` (SOCK_SEQPACKET, SOCK_STREAM), close-on-exec.
Result<FdPair> make_socketpair(int type, Blocking blocking = Blocking::yes);
/// A second descriptor for the same open file, close-on-exec.
Result<Fd> duplicate(int fd);
/// memfd_create(2) with room for seals; `name` is for /proc only.
Result<Fd> make_memfd(const std::string& name);
/// Forbids every later change of a memfd's content and size (memfd_create(2),
/// F_ADD_SEALS).
Result<> seal(int memfd);
/// Forbids resizing only: the content stays writable through mappings (for scoreboards).
Result<> seal_size(int memfd);
Result<> set_blocking(int fd, Blocking blocking);
/// Whether both are descriptors of one file or socket (inode(7)); false if one is none.
bool same_file(int a, int b);
/// Writes all of `data`, retrying on EINTR and short writes. For blocking descriptors.
Result<> write_all(int fd, std::string_view data);

}  // namespace base
