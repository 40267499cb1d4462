// CertificateWatch: a directory of certificates as it is now, and again whenever it
// changes.
//
// inotify(7) is a hint only: at the end of every wait the directory is listed, and once a
// minute without any hint (what links lead to is not watched).
#pragma once

#include <memory>
#include <string>

#include "base/certificate_files.h"
#include "base/fd.h"
#include "base/uv/poll.h"

namespace uvx {

class CertificateWatch {
 public:
  static base::Result<std::unique_ptr<CertificateWatch>> open(Loop& loop,
                                                              std::string directory);

  /// What is there, or nothing if it is what it was at the last look.
  base::Result<std::optional<base::CertificateFiles>> look();
  /// The next look that finds something else, or fails otherwise than the one before; at
  /// `latest`, what is there in any case. ECANCELED after close().
  Task<base::Result<base::CertificateFiles>> changed(base::Deadline latest = {});
  void close() { poll_.close(); }

 private:
  CertificateWatch(Loop& loop, base::Fd inotify, std::string directory);
  void watch();
  bool take_events();
  Task<base::Result<>> wait(base::Deadline deadline);

  base::Fd inotify_;
  Poll poll_;
  base::CertificateDirectory directory_;
  std::string last_error_;
};

}  // namespace uvx
