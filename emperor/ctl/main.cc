// emperorctl: shows what the emperor does and tells it what to do. `check FILE...` and
// `explain FILE` need no emperor. Exit codes: 0 done, 1 failed, 2 wrong usage.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "emperor/ctl/client.h"
#include "emperor/ctl/files.h"
#include "emperor/ctl/logs.h"
#include "emperor/ctl/subscribe.h"
#include "emperor/ctl/tables.h"
#include "vassal/options.h"

namespace {

using nlohmann::json;
namespace ctl = emperor::ctl;

struct Arguments {
  std::string control = "/run/imperium/control.sock";
  std::string name;
  std::vector<std::string> files;
  ctl::FileOptions file_options;
  ctl::SubscribeOptions subscribe;
  bool follow = false;
  size_t lines = 20;
};

/// The data of an answer; prints what went wrong.
bool ask(const Arguments& arguments, const std::string& command, json* data) {
  json request{{"cmd", command}};
  if (!arguments.name.empty()) request["name"] = arguments.name;
  const auto line = ctl::ask(arguments.control, request.dump());
  if (!line)
    return std::fprintf(stderr, "emperorctl: %s\n", line.error().message().c_str()),
           false;
  const auto answer = json::parse(*line, nullptr, false);
  if (!answer.is_object() || !answer.value("ok", false)) {
    const std::string why = answer.is_object() ? answer.value("error", "no reason given")
                                               : "no answer in JSON";
    return std::fprintf(stderr, "emperorctl: %s\n", why.c_str()), false;
  }
  *data = answer["data"];
  return true;
}

void print_json(const json& data) {
  std::puts(data.dump(2, ' ', false, json::error_handler_t::replace).c_str());
}

std::string cell(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_string())
    return value.get<std::string>().empty() ? "-" : value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string list;
  for (const auto& entry : value)
    list += (list.empty() ? "" : ",") + cell(entry);
  return list.empty() ? "-" : list;
}

int list(const Arguments& arguments) {
  json data;
  if (!ask(arguments, "ls", &data)) return 1;
  if (arguments.file_options.json) return print_json(data), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& v : data)
    rows.push_back({cell(v["name"]), cell(v["state"]), cell(v["generation"]),
                    cell(v["pid"]), cell(v["uid"]), cell(v["workers"]),
                    cell(v["requests"]), cell(v["restarts"]),
                    ctl::human_bytes(v.value("memory_bytes", uint64_t{0})),
                    cell(v["domains"]), cell(v["last_error"])});
  std::fputs(ctl::table({"NAME", "STATE", "GEN", "PID", "UID", "WORKERS", "REQUESTS",
                         "RESTARTS", "MEMORY", "DOMAINS", "LAST ERROR"},
                        rows)
                 .c_str(),
             stdout);
  return 0;
}

int routes(const Arguments& arguments) {
  json data;
  if (!ask(arguments, "routes", &data)) return 1;
  if (arguments.file_options.json) return print_json(data), 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& r : data)
    rows.push_back({cell(r["host"]), cell(r["vassal"]), cell(r["state"])});
  std::fputs(ctl::table({"HOST", "VASSAL", "STATE"}, rows).c_str(), stdout);
  return 0;
}

int show(const Arguments& arguments) {
  json data;
  if (!ask(arguments, "show", &data)) return 1;
  if (arguments.file_options.json) return print_json(data), 0;
  for (const auto& [key, value] : data.items()) {
    const bool nested = value.is_array() && !value.empty() && value.front().is_object();
    if (!nested) std::printf("%-16s %s\n", key.c_str(), cell(value).c_str());
  }
  for (const auto& g : data["generations"])
    std::printf("generation       %s\n", g.dump().c_str());
  for (const auto& d : data["deaths"]) {
    std::printf("death            %s generation %s %s: %s\n", cell(d["at"]).c_str(),
                cell(d["generation"]).c_str(), cell(d["kind"]).c_str(),
                cell(d["reason"]).c_str());
    for (const auto& line : d["log"])
      std::printf("                   | %s\n", cell(line).c_str());
  }
  for (const auto& r : data["refused_domains"])
    std::printf("refused          %s: %s\n", cell(r["host"]).c_str(),
                cell(r["reason"]).c_str());
  return 0;
}

int explain(const Arguments& arguments) {
  struct stat s{};
  const bool is_file =
      arguments.name.ends_with(".ini") && ::stat(arguments.name.c_str(), &s) == 0;
  if (is_file) return ctl::explain_file(arguments.name, arguments.file_options);
  json data;
  if (!ask(arguments, "explain", &data)) return 1;
  if (arguments.file_options.json) return print_json(data), 0;
  std::fputs(ctl::explained_text(data.dump()).c_str(), stdout);
  return 0;
}

int logs(const Arguments& arguments) {
  json data;
  if (arguments.file_options.json)
    return ask(arguments, "logs", &data) ? (print_json(data), 0) : 1;
  return ctl::show_log(arguments.control, arguments.name, arguments.lines,
                       arguments.follow ? ctl::Follow::yes : ctl::Follow::no);
}

int change(const Arguments& arguments, const std::string& command) {
  json data;
  if (!ask(arguments, command, &data)) return 1;
  if (arguments.file_options.json) return print_json(data), 0;
  if (data.contains("reloading"))
    std::printf("%s vassals are being reloaded\n", cell(data["reloading"]).c_str());
  else
    std::printf("%s: %s\n", arguments.name.c_str(), cell(data["state"]).c_str());
  return 0;
}

int status(const Arguments& arguments) {
  json data;
  if (!ask(arguments, "status", &data)) return 1;
  if (arguments.file_options.json) return print_json(data), 0;
  for (const auto& [key, value] : data.items())
    std::printf("%-16s %s\n", key.c_str(), cell(value).c_str());
  return 0;
}

/// Done when the one that answers is the new one.
int upgrade(const Arguments& arguments) {
  json next;
  json now;
  if (!ask(arguments, "upgrade", &next)) return 1;
  for (int look = 0; look < 600; ++look) {
    if (!ask(arguments, "status", &now)) return 1;
    if (now["pid"] == next["pid"]) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  if (now["pid"] != next["pid"]) {
    std::fputs("emperorctl: the new emperor did not come up, another one runs\n", stderr);
    return 1;
  }
  if (arguments.file_options.json) return print_json(now), 0;
  std::printf("the emperor is pid %s now, version %s\n", cell(now["pid"]).c_str(),
              cell(now["version"]).c_str());
  return 0;
}

int shut_down(const Arguments& arguments) {
  json data;
  if (!ask(arguments, "shutdown", &data)) return 1;
  if (!ctl::wait_for_end(data.value("keeper", 0), 600)) {
    std::fputs("emperorctl: the emperor still runs after 600 s\n", stderr);
    return 1;
  }
  if (arguments.file_options.json) print_json({{"state", "ended"}});
  return 0;
}

void add_subscribe(CLI::App& app, ctl::SubscribeOptions& o) {
  auto* sub = app.add_subcommand(
      "subscribe", "tell a fastrouter that a node serves a host; needs no emperor");
  sub->add_option("ROUTER", o.router, "its subscription server: host:port or a unix path")
      ->required();
  sub->add_option("HOST", o.host, "the host that is served")->required();
  sub->add_option("NODE", o.node, "where the node listens: ip:port or a unix path")
      ->required();
  sub->add_option("--key", o.key,
                  "private SSH key that signs; with --agent, the public one of it");
  sub->add_flag("--agent", o.agent, "let the ssh-agent sign");
  sub->add_option("--user", o.user,
                  "whose keys the router looks into (default: the file of the host)");
  sub->add_option("--weight", o.weight, "share of the requests")->capture_default_str();
  sub->add_option("--backup", o.backup, "level; serves only while no lower one is alive");
  auto* leave = sub->add_flag("--leave", o.leave, "say that the node leaves");
  sub->add_option("--every", o.every,
                  "seconds between packets, until a signal; then it leaves")
      ->check(CLI::Range(1, 3600))
      ->excludes(leave);
}

void add_commands(CLI::App& app, Arguments& a) {
  app.set_version_flag("--version", "emperorctl " IMPERIUM_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--control", a.control, "the emperor's control socket")
      ->envname("IMPERIUM_CONTROL")
      ->capture_default_str();
  app.add_flag("--json", a.file_options.json, "print JSON");
  const auto add = [&](const char* name, const char* help) {
    return app.add_subcommand(name, help);
  };
  const auto add_named = [&](const char* name, const char* help) {
    auto* sub = add(name, help);
    sub->add_option("NAME", a.name, "a vassal (alice/site) or its file")->required();
    return sub;
  };
  const auto add_layers = [&](CLI::App* sub) {
    sub->add_option("--defaults", a.file_options.defaults, "ini below the file");
    sub->add_option("--policy", a.file_options.policy, "ini above the file");
  };
  add("ls", "every vassal with its state and figures");
  add("routes", "every host with the vassal that serves it");
  add_named("show", "one vassal in detail");
  auto* check = add("check", "every fault of vassal files, without an emperor");
  check->add_option("FILE", a.files, "ini files")->required();
  check->add_flag("--notes", a.file_options.notes,
                  "show what is only worth knowing, too");
  check
      ->add_option("--domains", a.file_options.domains,
                   "which hosts may be claimed, as for the emperor")
      ->check(CLI::IsMember({"any", "filename", "policy"}));
  check->add_option("--domains-list", a.file_options.domains_list,
                    "the emperor's list of them");
  add_layers(check);
  auto* explain_cmd =
      add_named("explain", "every effective value with the line it came from");
  add_layers(explain_cmd);
  auto* reload = add("reload", "a fresh generation of one vassal, or of all");
  reload->add_option("NAME", a.name, "a vassal; all if none is named");
  add_named("start", "start a vassal that is stopped, sleeps or backs off");
  add_named("stop", "drain and stop a vassal until it is started again");
  auto* logs_cmd = add_named("logs", "the end of a vassal's log");
  logs_cmd->add_flag("-f,--follow", a.follow, "go on with what is added");
  logs_cmd->add_option("-n,--lines", a.lines, "how many lines")->capture_default_str();
  add_subscribe(app, a.subscribe);
  add("options", "the reference of a vassal's options, as Markdown");
  add("status", "the emperor itself: pids, version, vassals");
  add("upgrade", "put the emperor as it is installed now in the running one's place");
  add("shutdown", "stop every vassal, the router and the emperor");
}

/// Carries out the subcommand that was given.
int carry_out(const std::string& command, const Arguments& a) {
  struct Row {
    const char* name;
    int (*run)(const Arguments& a);
  };
  constexpr Row kRows[] = {
      {"ls", list},
      {"routes", routes},
      {"show", show},
      {"check",
       [](const Arguments& x) {
         return ctl::check_files(x.files, x.file_options);
       }},
      {"explain", explain},
      {"options",
       [](const Arguments&) {
         return std::fputs(vassal::option_reference().c_str(), stdout) < 0 ? 1 : 0;
       }},
      {"logs", logs},
      {"status", status},
      {"subscribe",
       [](const Arguments& x) {
         return ctl::subscribe(x.subscribe);
       }},
      {"upgrade", upgrade},
      {"shutdown", shut_down},
  };
  for (const Row& row : kRows)
    if (command == row.name) return row.run(a);
  return change(a, command);  // reload, start, stop
}

int run(int argc, char** argv) {
  CLI::App app("Shows what the emperor does and tells it what to do.", "emperorctl");
  Arguments arguments;
  add_commands(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return carry_out(app.get_subcommands().front()->get_name(), arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "emperorctl: %s\n", error.what());
    return 1;
  }
}
