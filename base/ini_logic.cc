#include "base/ini_logic.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/core.h>

#include "base/ini.h"

namespace base {

namespace {

using Kind = FileSource::Kind;

/// The thing a test found, which becomes %(_); nothing if the test failed.
using Found = std::optional<std::string>;
using Test = Found (*)(const std::string& value, const LogicContext& context);

Found found_if(bool condition, const std::string& value) {
  return condition ? Found(value) : std::nullopt;
}

/// "name" or "name=value": true if there is such a thing, and it has that value.
template <class Get>
Found named(const std::string& text, Get get) {
  const size_t equals = text.find('=');
  const std::string* value = get(std::string_view(text).substr(0, equals));
  if (value == nullptr) return std::nullopt;
  if (equals != text.npos && *value != text.substr(equals + 1)) return std::nullopt;
  return *value;
}

Found test_env(const std::string& value, const LogicContext& c) {
  return named(value, [&](std::string_view name) { return c.world.variable(name); });
}
Found test_opt(const std::string& value, const LogicContext& c) {
  return named(value, [&](std::string_view name) -> const std::string* {
    const auto it = std::ranges::find(c.table, name, &Setting::key);
    return it == c.table.end() ? nullptr : &it->value;
  });
}
Found test_exists(const std::string& value, const LogicContext& c) {
  return found_if(c.files.kind(value) != Kind::missing, value);
}
Found test_file(const std::string& value, const LogicContext& c) {
  return found_if(c.files.kind(value) == Kind::file, value);
}
Found test_directory(const std::string& value, const LogicContext& c) {
  return found_if(c.files.kind(value) == Kind::directory, value);
}
Found test_plugin(const std::string& value, const LogicContext&) {
  return found_if(value.starts_with("python") || value == "fastrouter", value);
}
Found test_host(const std::string& value, const LogicContext& c) {
  return found_if(value == c.world.host_name, value);
}
Found test_host_match(const std::string& value, const LogicContext& c) {
  // counted repetitions nested a few times take gigabytes
  if (value.size() > 256 || value.find('{') != value.npos) return std::nullopt;
  regex_t pattern;
  if (::regcomp(&pattern, value.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
    return std::nullopt;
  const bool matches = ::regexec(&pattern, c.world.host_name.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&pattern);
  return found_if(matches, value);
}
Found test_reload(const std::string&, const LogicContext&) {
  return std::nullopt;
}

struct TestRow {
  std::string_view name;  // behind "if-", "if-not-", "if" or "ifnot"
  Test test;
};

constexpr std::array kTests = {
    TestRow{"env", test_env},
    TestRow{"opt", test_opt},
    TestRow{"exists", test_exists},
    TestRow{"file", test_file},
    TestRow{"dir", test_directory},
    TestRow{"directory", test_directory},
    TestRow{"plugin", test_plugin},
    TestRow{"hostname", test_host},
    TestRow{"hostname-match", test_host_match},
    TestRow{"reload", test_reload},
};

struct Condition {
  Test test = nullptr;
  bool negated = false;
};

bool drop_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<Condition> find_condition(std::string_view key) {
  if (!drop_prefix(key, "if")) return std::nullopt;
  drop_prefix(key, "-");
  const bool negated = drop_prefix(key, "not");
  drop_prefix(key, "-");
  const auto row = std::ranges::find(kTests, key, &TestRow::name);
  if (row == kTests.end()) return std::nullopt;
  return Condition{row->test, negated};
}

std::vector<std::string> words(std::string_view text, size_t limit) {
  std::vector<std::string> out;
  for (size_t from = 0; from < text.size() && out.size() < limit;) {
    const size_t end = std::min(text.find(' ', from), text.size());
    if (end > from) out.emplace_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

std::vector<std::string> numbers(const std::string& text, size_t limit) {
  uint64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  std::vector<std::string> out;
  for (uint64_t i = 1; i <= count && out.size() < limit; ++i)
    out.push_back(std::to_string(i));
  return out;
}

std::vector<std::string> lines(const std::string& path,
                               const LogicContext& c,
                               std::string* warning) {
  std::vector<std::string> out;
  const auto file = c.files.read(path, c.limits.inserted_bytes);
  if (!file) {
    *warning = fmt::format("cannot read '{}': {}", path, file.error().message());
    return out;
  }
  for (std::string_view rest = file->text;
       !rest.empty() && out.size() < c.limits.settings;) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    out.emplace_back(strip(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

constexpr std::array<std::string_view, 4> kLoops = {"for", "for-glob", "for-times",
                                                    "for-readline"};
constexpr std::array<std::string_view, 5> kEnds = {"end", "endif", "end-if", "endfor",
                                                   "end-for"};

}  // namespace

bool is_logic_start(std::string_view key) {
  return std::ranges::count(kLoops, key) > 0 || find_condition(key).has_value();
}

bool is_logic_end(std::string_view key) {
  return std::ranges::count(kEnds, key) > 0;
}

LogicBlock open_block(std::string_view key,
                      const std::string& value,
                      const LogicContext& context,
                      std::string* warning) {
  if (const auto condition = find_condition(key)) {
    const Found found = condition->test(value, context);
    if (value.find("%(") != value.npos)
      *warning = fmt::format(
          "'{}' tests the text as written: placeholders are not expanded here", key);
    LogicBlock block{.items = {}, .is_if = true, .value = value};
    if (found.has_value() != condition->negated)
      block.items.push_back(found.value_or(value));
    return block;
  }
  const size_t limit = context.limits.settings;
  if (key == "for-glob") return {.items = context.files.glob(value, limit)};
  if (key == "for-times") return {.items = numbers(value, limit)};
  if (key == "for-readline") return {.items = lines(value, context, warning)};
  return {.items = words(value, limit)};
}

}  // namespace base
