#include "router/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>

#include "router/ini_arguments.h"
#include "router/node_options.h"

namespace router {

namespace {

/// Octal digits to decimal ones in place; what is wrong otherwise.
std::string read_mode(std::string& text) {
  unsigned mode = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc{} || end != text.data() + text.size() || mode > 0777)
    return "must be an octal mode such as 660";
  text = std::to_string(mode);
  return {};
}

/// "SHA256:/etc/keys"
std::string read_sign_check(const std::string& text, SubscriptionProofs& proofs) {
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string::npos || colon + 1 == text.size())
    return "must be DIGEST:DIRECTORY";
  proofs.sign_digest = text.substr(0, colon);
  proofs.sign_directory = text.substr(colon + 1);
  return {};
}

/// Under uWSGI's names, since they are for uWSGI's vassals.
void add_subscription_options(CLI::App& app, Options& options) {
  app.add_option("--fastrouter-subscription-server", options.subscription_servers,
                 "UDP ip:port or unix path where nodes subscribe");
  app.add_option_function<unsigned>(
      "--subscription-tolerance",
      [&options](unsigned n) {
        options.subscriptions.tolerance = std::chrono::seconds(n);
        options.subscription_proofs.hold = n;
      },
      "seconds after which a silent node is gone (default: 17)");
  app.add_flag("--subscription-dotsplit", options.subscriptions.dotsplit,
               "a name that nobody has falls back to .example.com and .com");
  app.add_option_function<std::string>(
         "--subscription-algo",
         [&options](const std::string& name) {
           options.subscriptions.algorithm = *parse_algorithm(name);
         },
         "wrr, lrc, wlrc or iphash (default: wrr)")
      ->check(CLI::IsMember({"wrr", "lrc", "wlrc", "iphash"}));
  auto& proofs = options.subscription_proofs;
  app.add_option("--subscriptions-credentials-check", proofs.credentials_directory,
                 "DIR/: who subscribes KEY by a unix socket must own the file DIR/KEY");
  app.add_option("--subscriptions-sign-check", "DIGEST:DIR: packets must be signed")
      ->check(
          [&proofs](const std::string& text) { return read_sign_check(text, proofs); });
  app.add_option("--subscriptions-sign-check-tolerance", proofs.sign_tolerance,
                 "seconds that a signed packet may be old")
      ->capture_default_str();
  app.add_option("--subscriptions-ssh-keys", proofs.ssh_directory,
                 "DIR: packets may be signed with an SSH key out of DIR/TENANT");
  app.add_option("--subscriptions-ssh-tolerance", proofs.ssh_tolerance,
                 "seconds that the time of such a packet may be off")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  app.add_option("--subscriptions-sign-skip-uid", proofs.sign_skip_uids,
                 "uid whose packets need no signature");
  app.add_flag("--subscriptions-any-address", proofs.any_address,
               "who may subscribe may name any address, this machine's as well");
}

void add_failure_options(CLI::App& app, Options& options) {
  app.add_option_function<std::string>(
         "--errors",
         [&options](const std::string& name) {
           options.errors =
               name == "close" ? Options::Errors::close : Options::Errors::page;
         },
         "what nginx gets for a request that fails here: page, or close (nothing, so "
         "that it tries its next upstream)")
      ->check(CLI::IsMember({"page", "close"}))
      ->default_str("page");
  app.add_option("--error-pages", options.error_pages,
                 "DIR with pages of the operator's: STATUS.html, DOMAIN/STATUS.html");
}

void add_figure_options(CLI::App& app, Options& options) {
  app.add_option("--access-log", options.access_log, "file for a line per request");
  app.add_option_function<std::string>(
         "--access-log-format",
         [&options](const std::string& name) {
           options.access_log_format = *parse_access_format(name);
         },
         "common, combined or json")
      ->check(CLI::IsMember({"common", "combined", "json"}))
      ->default_str("combined");
  app.add_option(
      "--fastrouter-stats", options.stats,
      "unix path or host:port that gives uWSGI's fastrouter statistics as JSON");
  app.add_option("--metrics", options.metrics,
                 "unix path or host:port that gives figures to Prometheus over HTTP");
  app.add_option("--stats-hosts", options.stats_hosts,
                 "hosts with figures of their own; the others are counted as one")
      ->capture_default_str();
}

void add_networks(CLI::App& app,
                  const char* name,
                  PeerNetworks& networks,
                  const std::string& help) {
  app.add_option(name, help)
      ->expected(1, 1000)
      ->each([&networks, name](const std::string& text) {
        if (!networks.add(text))
          throw CLI::ValidationError(name, text + " is no address or network");
      });
}

void add_times(CLI::App& app, Options& options) {
  const auto seconds = [&app](const char* name, std::chrono::seconds& target,
                              const std::string& help) {
    app.add_option_function<unsigned>(
           name, [&target](unsigned n) { target = std::chrono::seconds(n); }, help)
        ->default_str(std::to_string(target.count()));
  };
  seconds("--header-timeout", options.header_timeout,
          "seconds for the head of a request (408)");
  seconds("--http-timeout", options.http_timeout, "seconds of silence of an HTTP client");
  seconds("--request-timeout,--fastrouter-timeout", options.request_timeout,
          "seconds of silence of a vassal that has an HTTP request (504)");
  seconds("--tunnel-timeout", options.tunnel_timeout,
          "seconds of silence both ways that end a WebSocket");
  seconds("--queue-timeout", options.queue_timeout,
          "seconds that a request waits for a worker (503)");
}

void add_log_level(CLI::App& app, Options& options) {
  app.add_option_function<std::string>(
         "--log-level",
         [&options](const std::string& level) {
           options.log_level = level == "debug"   ? base::LogLevel::debug
                               : level == "warn"  ? base::LogLevel::warn
                               : level == "error" ? base::LogLevel::error
                                                  : base::LogLevel::info;
         },
         "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->default_str("info");
}

void add_options(CLI::App& app, Options& options) {
  app.set_version_flag("--version", IMPERIUM_VERSION);
  app.add_option("--ini", options.ini, "uWSGI ini file with these options");
  app.add_option("--control-fd", options.control_fd,
                 "descriptor of the emperor's channel");
  app.add_option("--router-uwsgi,--fastrouter", options.router_uwsgi,
                 "unix path or host:port for nginx (uwsgi protocol), when running alone");
  app.add_option("--chmod-socket", options.socket_mode,
                 "octal mode of the unix sockets of --router-uwsgi")
      ->transform(
          CLI::Validator([](std::string& text) { return read_mode(text); }, "OCTAL"));
  app.add_option("--router-http", options.router_http,
                 "host:port or unix path for HTTP/1.1, when running alone");
  app.add_option("--router-https", options.router_https,
                 "host:port or unix path for HTTP/1.1 under TLS, when running alone");
  app.add_option("--certificates", options.certificates,
                 "directory with NAME.crt and NAME.key, NAME.pem, or NAME/fullchain.pem "
                 "and NAME/privkey.pem, for --router-https when running alone");
  app.add_flag("--strict-sni", options.strict_sni,
               "refuse TLS clients that ask for a name of no certificate");
  add_networks(app, "--proxy-protocol-from", options.proxy_protocol_from,
               "address or network of peers that must send a PROXY protocol header over "
               "HTTP and TLS; may be repeated (default: nobody's)");
  app.add_option("--connections-per-peer", options.connections_per_peer,
                 "HTTP and TLS connections of one client address, 0 for no limit "
                 "(default: 256, and any number from this machine)");
  add_networks(app, "--trusted-proxy", options.trusted_proxies,
               "address or network whose X-Forwarded-* fields are believed on the HTTP "
               "port; may be repeated (default: nobody's)");
  add_times(app, options);
  app.add_option("--queue-max", options.queue_max, "waiting requests of one vassal")
      ->capture_default_str();
  app.add_option("--queue-total", options.queue_total, "waiting requests of all vassals")
      ->capture_default_str();
  app.add_option("--limit-post", options.limit_post,
                 "bytes of a request body, 0 for no limit")
      ->capture_default_str();
  app.add_option("--concurrency-max", options.concurrency_max,
                 "requests of one vassal under way at once through this process, 0 for "
                 "no limit")
      ->capture_default_str();
  app.add_option("--bandwidth-max", options.bandwidth_max,
                 "bytes a second of the answers of one vassal through this process, 0 "
                 "for no limit")
      ->capture_default_str();
  add_subscription_options(app, options);
  add_failure_options(app, options);
  add_figure_options(app, options);
  add_node_options(app, options);
  add_log_level(app, options);
}

/// Of a single value the last one counts: the command line's after the file's.
void let_the_last_count(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (option->get_expected_max() == 1)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

/// The file that --ini names, if any, however it is written.
std::string ini_file(std::span<char* const> arguments) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view text(arguments[i]);
    if (text.starts_with("--ini=")) return std::string(text.substr(6));
    if (text == "--ini" && i + 1 < arguments.size()) return arguments[i + 1];
  }
  return {};
}

/// What the file says, then what the command line says.
base::Result<std::vector<std::string>> all_arguments(const CLI::App& app,
                                                     std::span<char* const> given) {
  std::vector<std::string> all;
  if (const std::string file = ini_file(given); !file.empty()) {
    TRY_ASSIGN(IniArguments ini, read_ini_arguments(file, [&app](const std::string& key) {
                 return key != "ini" && app.get_option_no_throw("--" + key) != nullptr;
               }));
    for (const std::string& note : ini.notes)
      std::fprintf(stderr, "fastrouter: %s\n", note.c_str());
    all = std::move(ini.arguments);
  }
  all.insert(all.end(), given.begin() + 1, given.end());
  return all;
}

}  // namespace

std::optional<int> parse_command_line(std::span<char* const> given, Options& options) {
  CLI::App app{"fastrouter: accepts requests and hands each to the vassal of its host"};
  add_options(app, options);
  let_the_last_count(app);
  auto arguments = all_arguments(app, given);
  if (!arguments) {
    std::fprintf(stderr, "fastrouter: %s\n", arguments.error().message().c_str());
    return 2;
  }
  std::ranges::reverse(*arguments);  // as CLI11 wants them
  try {
    app.parse(*std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const bool alone = options.control_fd < 0;
  if (alone && options.router_uwsgi.empty() && options.router_http.empty() &&
      options.router_https.empty()) {
    std::fputs(
        "fastrouter: nothing to listen on: give --router-uwsgi, --router-http or "
        "--router-https\n",
        stderr);
    return 2;
  }
  if (alone && !options.router_https.empty() && options.certificates.empty()) {
    std::fputs("fastrouter: --router-https needs --certificates\n", stderr);
    return 2;
  }
  return std::nullopt;
}

}  // namespace router
