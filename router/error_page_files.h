// ErrorPageFiles: keeps ErrorPages as a directory has them: DIR/STATUS.html and
// DIR/DOMAIN/STATUS.html.
//
// The directory is listed at the start, when inotify hints at a change, and once a minute
// anyhow; the listing is the truth, a hint may get lost. Links are not followed: what
// stands there was put there.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/log.h"
#include "base/uv/loop.h"
#include "base/uv/poll.h"
#include "router/error_pages.h"

namespace router {

class ErrorPageFiles {
 public:
  ErrorPageFiles(uvx::Loop& loop, base::Log& log, std::string directory);

  /// Those of the last listing.
  const ErrorPages& pages() const { return *pages_; }
  /// Lists, and goes on until close().
  uvx::Task<void> run();
  void close();

 private:
  uvx::Task<void> list();
  /// The pages of one directory into `pages`.
  void read_directory(const std::string& path,
                      std::string_view domain,
                      ErrorPages* pages);
  uvx::Task<void> wait_for_hint();
  void watch(const std::string& path);
  void swallow_hints();

  uvx::Loop& loop_;
  base::Log& log_;
  std::string directory_;
  base::Fd hints_;
  std::unique_ptr<uvx::Poll> poll_;
  uvx::Timer quiet_;
  std::unique_ptr<const ErrorPages> pages_ = std::make_unique<ErrorPages>();
  bool listed_ = false;
  bool closed_ = false;
};

}  // namespace router
