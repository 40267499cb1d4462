#include "router/node_options.h"

#include <CLI/CLI.hpp>

#include "router/node_address.h"

namespace router {

namespace {

/// What is wrong with a node as it is written; empty if nothing is.
std::string fault_of_node(const std::string& text) {
  const auto name = parse_node_name(text);
  return name ? "" : name.error().message();
}

std::string fault_of_address(const std::string& text) {
  const auto address = parse_node_address(text);
  return address ? "" : address.error().message();
}

/// The pattern, or the base, with some host in its place.
std::string fault_of_pattern(const std::string& text) {
  std::string example = text;
  const size_t at = example.find("%s");
  if (at == std::string::npos) return "must contain %s, which stands for the host";
  return fault_of_node(example.replace(at, 2, "a"));
}

std::string fault_of_base(const std::string& text) {
  return fault_of_node(text + "a");
}

CLI::Validator node_validator() {
  return {fault_of_node, "NODE"};
}

void add_fallbacks(CLI::App& app, FinderRules& rules) {
  app.add_option("--fastrouter-fallback", rules.fallback,
                 "node for when nobody else serves; repeated ones are tried in order")
      ->check(node_validator());
  app.add_flag("--fastrouter-fallback-on-no-key", rules.fallback_for_unknown,
               "a host that nobody knows goes to the fallback, too");
  app.add_option("--fastrouter-subscription-fallback-key", rules.fallback_key,
                 "subscribed key that serves hosts without a node");
  app.add_option("--fastrouter-max-retries", rules.most_retries,
                 "further nodes that are tried while none can be reached, before the "
                 "fallback")
      ->capture_default_str();
}

void add_param(const std::string& text, std::vector<Param>& params) {
  auto param = parse_param(text);
  if (!param) throw CLI::ValidationError("--node-param", "must be NAME=VALUE");
  params.push_back(*std::move(param));
}

void add_processes(CLI::App& app, Options& options) {
  app.add_option("--fastrouter-processes", options.processes,
                 "processes that serve together, when running alone")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--fastrouter-resubscribe", options.resubscribe.upstream,
                 "router that hears of every subscription, with the address of this one")
      ->check(CLI::Validator(fault_of_address, "ADDRESS"));
  app.add_option("--fastrouter-resubscribe-bind", options.resubscribe.bind,
                 "address that it hears this from")
      ->check(CLI::Validator(fault_of_address, "ADDRESS"));
  app.add_option("--fastrouter-uid,--uid", options.user,
                 "user to become once everything is bound");
  app.add_option("--fastrouter-gid,--gid", options.group,
                 "group to become (default: that of the user)");
  app.add_flag("--fastrouter-cheap", options.cheap,
               "accept only while somebody could serve");
  app.add_option(
         "--fastrouter-post-buffering", options.post_buffering,
         "bytes: a body goes to a node once it is whole, so much of it in memory, "
         "more in a file; 0: as it comes")
      ->capture_default_str();
  app.add_flag_function(
      "--fastrouter-quiet",
      [&options](int64_t count) {
        if (count > 0) options.log_level = base::LogLevel::warn;
      },
      "the same as --log-level warn");
}

}  // namespace

void add_node_options(CLI::App& app, Options& options) {
  FinderRules& rules = options.finder;
  app.add_option("--fastrouter-use-pattern", rules.pattern,
                 "node of a host: %s stands for its name")
      ->check(CLI::Validator(fault_of_pattern, "PATTERN"));
  app.add_option("--fastrouter-use-base", rules.base,
                 "directory, with its final slash, of sockets named as their hosts")
      ->check(CLI::Validator(fault_of_base, "DIR/"));
  app.add_option("--fastrouter-to", rules.fixed,
                 "node for every host: [http:|fastcgi:|scgi:]ADDRESS; repeated ones take "
                 "turns")
      ->check(node_validator());
  app.add_option_function<unsigned>(
         "--fastrouter-gracetime",
         [&rules](unsigned n) { rules.grace = std::chrono::seconds(n); },
         "seconds that a failed node of --fastrouter-to is left alone")
      ->default_str("30");
  app.add_option("--fastrouter-force-key", rules.force_key,
                 "key that stands for every host");
  app.add_option(
         "--node-param",
         "NAME=VALUE: variable that uwsgi, fastcgi and scgi nodes are told in the "
         "place of the front's; php-fpm wants DOCUMENT_ROOT; may be repeated")
      ->expected(1, 1000)
      ->each(
          [&options](const std::string& text) { add_param(text, options.node_params); });
  add_fallbacks(app, rules);
  add_processes(app, options);
}

std::string unused_mapper(const Options& options) {
  const FinderRules& rules = options.finder;
  const bool subscribed = !options.subscription_servers.empty();
  const std::pair<bool, const char*> mappers[] = {
      {!rules.pattern.empty(), "fastrouter-use-pattern"},
      {subscribed, "fastrouter-subscription-server"},
      {!rules.base.empty(), "fastrouter-use-base"},
      {!rules.fixed.empty(), "fastrouter-to"},
  };
  std::string first;
  for (const auto& [used, name] : mappers) {
    if (!used) continue;
    if (!first.empty()) return std::string(name) + " has no effect beside " + first;
    first = name;
  }
  return {};
}

}  // namespace router
