// A machine with a few users, and a vassal file for make_config, both made of text.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "tests/config/dialect.h"
#include "vassal/config.h"

namespace machine {

struct FewNames final : vassal::Names {
  std::map<std::string, uid_t, std::less<>> users = {
      {"root", 0}, {"alice", 1001}, {"bob", 1002}};
  std::map<std::string, gid_t, std::less<>> groups = {
      {"root", 0}, {"users", 100}, {"www-data", 33}};

  std::optional<uid_t> uid_of(std::string_view user) const override {
    const auto it = users.find(user);
    return it == users.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<gid_t> gid_of(std::string_view group) const override {
    const auto it = groups.find(group);
    return it == groups.end() ? std::nullopt : std::optional(it->second);
  }
  std::optional<std::string> name_of(uid_t uid) const override {
    for (const auto& [name, id] : users)
      if (id == uid) return name;
    return std::nullopt;
  }
  std::optional<gid_t> primary_gid_of(uid_t uid) const override {
    if (!name_of(uid)) return std::nullopt;
    return uid == 0 ? 0 : 100;
  }
};

/// The settings of a text, as if it stood in `path`.
inline std::vector<base::Setting> settings(const std::string& text,
                                           const std::string& path = "/v/site.ini") {
  support::MemoryFiles files({{path, "[uwsgi]\n" + text}});
  return base::expand_ini({.path = path}, files, dialect::world()).settings;
}

struct Made {
  vassal::VassalConfig config;
  std::vector<vassal::Diagnostic> diagnostics;

  std::string told(
      vassal::Diagnostic::Level least = vassal::Diagnostic::Level::warning) const {
    std::string out;
    for (const auto& d : diagnostics)
      if (d.level >= least) out += d.message() + "\n";
    return out;
  }
  std::string errors() const { return told(vassal::Diagnostic::Level::error); }
};

inline Made make(const vassal::Layers& layers, const vassal::Surroundings& around = {}) {
  auto parsed = vassal::make_config(layers, FewNames(), around);
  return {std::move(parsed.config), std::move(parsed.diagnostics)};
}

/// `text` as the vassal's file, with an application so that its absence is not told.
inline Made make(const std::string& text) {
  vassal::Layers layers;
  layers.vassal = settings(text + "module = app\n");
  layers.file = "/v/site.ini";
  return make(layers);
}

}  // namespace machine
