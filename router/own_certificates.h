// OwnCertificates: those of a router that runs alone, which reads the directory itself,
// as the user that it is. Under an emperor they come by the control channel.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "base/uv/certificate_watch.h"
#include "base/uv/task_group.h"
#include "router/router.h"

namespace router {

class OwnCertificates {
 public:
  /// Gives `router` what the directory has; an error if it cannot be read.
  static base::Result<std::unique_ptr<OwnCertificates>> open(
      uvx::Loop& loop, base::Log& log, Router& router, const std::string& directory);
  /// Gives it what changes, until close().
  uvx::Task<void> follow();
  void close() { watch_->close(); }

 private:
  OwnCertificates(base::Log& log,
                  Router& router,
                  std::unique_ptr<uvx::CertificateWatch> watch)
      : log_(log), router_(router), watch_(std::move(watch)) {}
  void give(base::CertificateFiles read);
  /// Of this process alone, and new ones once they are old: what was recorded is not to
  /// be opened with those of months ago.
  void renew_ticket_keys();

  base::Log& log_;
  Router& router_;
  std::unique_ptr<uvx::CertificateWatch> watch_;
  wire::TicketKeys ticket_keys_{};
  base::Instant keys_made_;
};

}  // namespace router
