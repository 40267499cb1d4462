#include "base/ini_expand.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/ini.h"
#include "base/ini_custom.h"
#include "base/ini_logic.h"
#include "base/ini_magic.h"
#include "base/ini_substitute.h"

namespace base {

namespace {

using Level = Diagnostic::Level;

/// One file while it is being read.
struct OpenIni {
  MagicFile magic;
  IniText text;
};

class Expansion {
 public:
  Expansion(FileSource& files, const IniWorld& world, const IniLimits& limits)
      : files_(files), world_(world), limits_(limits) {}

  Expanded run(const IniRequest& request);

 private:
  using Sections = std::vector<std::string>;
  /// What a line does at once, beyond standing in the table.
  using Immediate = void (Expansion::*)(const Setting& s);
  static const std::map<std::string_view, Immediate>& immediates();

  bool read(const std::string& path, const Sections& sections, const Origin& from);
  bool take_sections(const OpenIni& file, const Sections& sections);
  void take_line(const OpenIni& file, const IniLine& line);
  void option(Setting s);
  void add(Setting s);
  bool logic(const Setting& s);
  void in_block(const LogicBlock& block, const Setting& s);
  void leave_blocks_open(const Origin& at);

  void include(const Setting& s);
  void inherit_later(const Setting& s) { inherited_.push_back(s); }
  void set(const Setting& s) { set_pair(s, false); }
  void set_placeholder(const Setting& s) { set_pair(s, true); }
  void set_pair(const Setting& s, bool placeholder);
  void declare(const Setting& s);
  void cannot_include(const Setting& s);
  void expand_custom_options();

  std::string at_once(const std::string& value);
  void complain(const Origin& origin, Level level, std::string text) {
    if (diagnostics_.size() < limits_.diagnostics)
      diagnostics_.push_back({level, origin, clipped(std::move(text))});
  }

  FileSource& files_;
  const IniWorld& world_;
  const IniLimits& limits_;
  std::vector<Setting> table_;
  Diagnostics diagnostics_;
  MagicFile top_;
  std::optional<LogicBlock> block_;
  std::vector<Setting> inherited_;
  CustomOptions custom_;
  std::vector<const OpenIni*> open_;  // innermost last
  size_t includes_left_ = 0;
  size_t bytes_ = 0;
  bool full_ = false;  // a bound was passed: nothing more is read
};

const std::map<std::string_view, Expansion::Immediate>& Expansion::immediates() {
  static const std::map<std::string_view, Immediate> table = {
      {"ini", &Expansion::include},
      {"include", &Expansion::include},
      {"config", &Expansion::include},
      {"inherit", &Expansion::inherit_later},
      {"set", &Expansion::set},
      {"set-ph", &Expansion::set_placeholder},
      {"set-placeholder", &Expansion::set_placeholder},
      {"declare-option", &Expansion::declare},
      {"declare-option2", &Expansion::declare},
      {"xml", &Expansion::cannot_include},
      {"yaml", &Expansion::cannot_include},
      {"yml", &Expansion::cannot_include},
      {"json", &Expansion::cannot_include},
      {"js", &Expansion::cannot_include},
  };
  return table;
}

Expanded Expansion::run(const IniRequest& request) {
  includes_left_ = limits_.includes;
  for (Setting s : request.preset)
    add(std::move(s));
  read(request.path, request.sections, {request.path, 0});
  for (size_t next = 0; next < inherited_.size();) {
    const Setting s = inherited_[next++];  // reading may add to the list
    include(s);
  }
  expand_custom_options();
  substitute_all(table_, files_, world_, limits_, diagnostics_);
  return {std::move(table_), std::move(diagnostics_)};
}

bool Expansion::read(const std::string& path,
                     const Sections& sections,
                     const Origin& from) {
  const bool first = from.line == 0;  // no line of another file asked for it
  auto content = files_.read(path, limits_.file_bytes);
  if (!content) {
    complain(from, Level::error,
             first
                 ? "cannot be read: " + content.error().message()
                 : fmt::format("cannot read '{}': {}", path, content.error().message()));
    return false;
  }
  const bool by_name = sections.size() == 1;
  const OpenIni file{{content->path, path, content->inode, by_name ? sections[0] : ""},
                     parse_ini(content->text, {limits_.line_bytes, limits_.settings})};
  for (const IniComplaint& c : file.text.complaints)
    complain({content->path, c.line},
             c.level == IniComplaint::Level::error ? Level::error : Level::warning,
             c.text);
  if (file.text.failed()) return false;
  if (top_.path.empty()) top_ = file.magic;
  if (!take_sections(file, sections)) {  // of the first file nothing is left then
    const std::string who = first ? "the file" : "'" + path + "'";
    complain(from, first ? Level::error : Level::warning,
             file.text.lines.empty() ? who + " has no settings"
                                     : fmt::format("{} has no settings in section [{}]",
                                                   who, fmt::join(sections, "] or [")));
  }
  return true;
}

bool Expansion::take_sections(const OpenIni& file, const Sections& sections) {
  bool any = false;
  open_.push_back(&file);
  auto outer = std::exchange(block_, std::nullopt);
  for (const IniLine& line : file.text.lines) {
    if (full_) break;
    if (std::ranges::count(sections, line.section) == 0) continue;
    any = true;
    take_line(file, line);
  }
  if (!file.text.lines.empty())
    leave_blocks_open({file.magic.path, file.text.lines.back().line});
  block_ = std::move(outer);
  open_.pop_back();
  return any;
}

void Expansion::take_line(const OpenIni& file, const IniLine& line) {
  const Magic magic{world_, file.magic, top_};
  std::string erased;
  Setting s{magic.apply(line.key, &erased),
            magic.apply(line.value, &erased),
            {file.magic.path, line.line}};
  for (const char letter : erased.substr(0, 8))
    complain(
        s.origin, Level::warning,
        fmt::format("'%{0}' is no magic variable and is erased; write '%%{0}'", letter));
  if (s.key.empty())
    return complain(s.origin, Level::warning, "there is no key before '='");
  if (!logic(s)) option(std::move(s));
}

/// Handles the lines that open, close or stand in a block; false for all others.
bool Expansion::logic(const Setting& s) {
  if (is_logic_end(s.key)) {
    if (!block_)
      complain(s.origin, Level::warning, fmt::format("'{}' closes nothing", s.key));
    block_.reset();
    return true;
  }
  if (s.key == "else" && block_ && block_->is_if) {
    block_->turn_over();
    return true;
  }
  // an include within starts without the block
  if (auto block = std::exchange(block_, std::nullopt)) {
    in_block(*block, s);
    block_ = std::move(block);
    return true;
  }
  if (!is_logic_start(s.key)) return false;
  std::string warning;
  block_ = open_block(s.key, s.value, {table_, files_, world_, limits_}, &warning);
  if (!warning.empty()) complain(s.origin, Level::warning, std::move(warning));
  return true;
}

// One line at a time, as uWSGI does: the loop runs over each line, not over the block.
void Expansion::in_block(const LogicBlock& block, const Setting& s) {
  if (is_logic_start(s.key))
    return complain(
        s.origin, block.failed() ? Level::warning : Level::error,
        fmt::format("'{}' inside another block: blocks cannot be nested", s.key));
  for (const std::string& item : block.items) {
    if (full_) break;
    const Lookup to_item = [&](std::string_view inner) {
      return inner == "_" ? std::optional(item) : std::nullopt;
    };
    Setting copy = s;
    if (s.value.find("%(_)") != s.value.npos)
      copy.value = replace_calls(s.value, '%', to_item);
    option(std::move(copy));
  }
}

void Expansion::leave_blocks_open(const Origin& at) {
  if (block_)
    complain(at, Level::warning, "a block is still open at the end of the file");
}

void Expansion::option(Setting s) {
  const auto& table = immediates();
  const auto immediate = table.find(s.key);
  if (immediate == table.end()) return add(std::move(s));
  const Setting copy = s;
  s.placeholder = true;  // done with, but %(ini) can still be read back
  add(std::move(s));
  (this->*immediate->second)(copy);
}

void Expansion::add(Setting s) {
  bytes_ += s.key.size() + s.value.size();
  const bool many = table_.size() >= limits_.settings;
  if (many || bytes_ > 4 * limits_.total_bytes) {
    if (!full_)
      complain(s.origin, Level::error,
               many ? fmt::format("more than {} settings", limits_.settings)
                    : "the settings grow too large");
    full_ = true;
    return;
  }
  table_.push_back(std::move(s));
}

/// The value of something that acts while the file is read: with what is known so far.
std::string Expansion::at_once(const std::string& value) {
  const Lookup placeholder = [&](std::string_view inner) {
    return evaluate_placeholder(
        inner, [&](std::string_view key) -> std::optional<std::string> {
          const auto it = std::ranges::find(table_, key, &Setting::key);
          return it == table_.end() ? std::nullopt : std::optional(it->value);
        });
  };
  const Lookup variable = [&](std::string_view inner) {
    return evaluate_variable(inner, world_);
  };
  return replace_calls(replace_calls(value, '%', placeholder), '$', variable);
}

void Expansion::include(const Setting& s) {
  if (full_) return;
  std::string path = at_once(s.value);
  if (path.find("://") != path.npos)
    return complain(s.origin, Level::error,
                    fmt::format("'{}': only files can be included", path));
  Sections sections = {"uwsgi", "vassal"};
  if (const size_t colon = path.rfind(':'); colon != path.npos) {
    sections = {path.substr(colon + 1)};
    path.resize(colon);
  }
  if (path.empty() && !open_.empty()) path = open_.back()->magic.path;
  if (path.empty())
    return complain(s.origin, Level::error, fmt::format("'{}' names no file", s.key));
  if (open_.size() >= limits_.include_depth || includes_left_ == 0)
    return complain(
        s.origin, Level::error,
        fmt::format("'{}' is not read: too many files include each other", path));
  --includes_left_;
  read(path, sections, s.origin);
}

void Expansion::cannot_include(const Setting& s) {
  complain(s.origin, Level::error, fmt::format("'{}': only ini files are read", s.key));
}

void Expansion::set_pair(const Setting& s, bool placeholder) {
  const size_t equals = s.value.find('=');
  if (equals == s.value.npos || equals == 0)
    return complain(s.origin, Level::error, fmt::format("'{}' needs key=value", s.key));
  Setting pair{s.value.substr(0, equals), s.value.substr(equals + 1), s.origin};
  pair.placeholder = placeholder;
  if (placeholder)
    add(std::move(pair));
  else
    option(std::move(pair));
}

void Expansion::declare(const Setting& s) {
  if (!custom_.declare(s.value))
    complain(s.origin, Level::error,
             fmt::format("'{}' needs name=option=value;...", s.key));
}

void Expansion::expand_custom_options() {
  if (custom_.empty()) return;
  const auto before = std::exchange(table_, {});
  bytes_ = 0;
  for (const Setting& s : before) {
    if (full_) break;
    Setting kept = s;
    kept.placeholder = s.placeholder || custom_.knows(s.key);
    add(std::move(kept));
    for (Setting& made : custom_.expand(s))
      add(std::move(made));
  }
}

}  // namespace

Expanded expand_ini(const IniRequest& request,
                    FileSource& files,
                    const IniWorld& world,
                    const IniLimits& limits) {
  return Expansion(files, world, limits).run(request);
}

}  // namespace base
