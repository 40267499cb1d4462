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
  /// Whose keys session tickets are sealed with: of this process alone, or those that
  /// whoever started it gives it and its siblings.
  enum class Tickets { own, given };
  /// Gives `router` what the directory has; an error if it cannot be read.
  static base::Result<std::unique_ptr<OwnCertificates>> open(uvx::Loop& loop,
                                                             base::Log& log,
                                                             Router& router,
                                                             const std::string& directory,
                                                             Tickets tickets);
  /// Gives it what changes, until close().
  uvx::Task<void> follow();
  void close() { watch_->close(); }

 private:
  OwnCertificates(base::Log& log,
                  Router& router,
                  std::unique_ptr<uvx::CertificateWatch> watch,
                  Tickets tickets)
      : log_(log), router_(router), watch_(std::move(watch)), tickets_(tickets) {}
  void give(base::CertificateFiles read);

  base::Log& log_;
  Router& router_;
  std::unique_ptr<uvx::CertificateWatch> watch_;
  Tickets tickets_;
  wire::RenewedTicketKeys ticket_keys_;
};

}  // namespace router
