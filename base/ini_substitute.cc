#include "base/ini_substitute.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include <fmt/core.h>

namespace base {

namespace {

constexpr size_t kInnerBytes = 4096;     // between two parentheses
constexpr size_t kResultBytes = 131072;  // of one %(a b c): above the bound of a value

bool is_number(std::string_view word) {
  return !word.empty() &&
         std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

int64_t to_number(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Wraps around instead of overflowing.
int64_t reckon(char op, int64_t a, int64_t b) {
  const auto ua = static_cast<uint64_t>(a);
  const auto ub = static_cast<uint64_t>(b);
  switch (op) {
    case '+':
      return static_cast<int64_t>(ua + ub);
    case '-':
      return static_cast<int64_t>(ua - ub);
    case '*':
      return static_cast<int64_t>(ua * ub);
    case '/':
      return b == 0 || (b == -1 && a == INT64_MIN) ? 0 : a / b;
    default:
      return 0;
  }
}

/// For each '(' the place of its ')', npos if it has none; found in one pass, since a
/// hostile value nests thousands.
std::vector<size_t> closing_parentheses(std::string_view text) {
  std::vector<size_t> closing(text.size(), text.npos);
  std::vector<size_t> open;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') open.push_back(i);
    if (text[i] != ')' || open.empty()) continue;
    closing[open.back()] = i;
    open.pop_back();
  }
  return closing;
}

/// One run over one table.
class Substitution {
 public:
  Substitution(std::vector<Setting>& table,
               FileSource& files,
               const IniWorld& world,
               const IniLimits& limits,
               Diagnostics& out)
      : table_(table), files_(files), world_(world), limits_(limits), out_(out) {}

  void run();

 private:
  enum class State : char { raw, running, done };

  void variables(Setting& s);
  void insertions(Setting& s);
  void placeholders(size_t index);
  std::optional<std::string> placeholder_value(std::string_view key,
                                               const Setting& asking);
  std::string with_placeholders(const std::string& text, const Setting& asking);
  void keep_in_bounds(Setting& s);
  void index_keys();
  void complain(const Setting& s, Diagnostic::Level level, std::string text) {
    if (out_.size() < limits_.diagnostics)
      out_.push_back({level, s.origin, clipped(std::move(text))});
  }

  std::vector<Setting>& table_;
  FileSource& files_;
  const IniWorld& world_;
  const IniLimits& limits_;
  Diagnostics& out_;
  std::unordered_map<std::string_view, size_t> first_;  // of each key
  std::vector<State> states_;
  size_t depth_ = 0;
  size_t total_ = 0;
  bool over_ = false;  // a bound over all values was passed: nothing is expanded any more
};

void Substitution::run() {
  index_keys();
  states_.assign(table_.size(), State::raw);
  for (Setting& s : table_)
    if (s.value.find("$(") != s.value.npos) variables(s);
  for (Setting& s : table_)
    if (s.value.find("@(") != s.value.npos) insertions(s);
  for (size_t i = 0; i < table_.size(); ++i)
    placeholders(i);
}

void Substitution::index_keys() {
  first_.reserve(table_.size());
  for (size_t i = 0; i < table_.size(); ++i)
    first_.emplace(table_[i].key, i);
}

void Substitution::keep_in_bounds(Setting& s) {
  if (s.value.size() > limits_.value_bytes) {
    complain(s, Diagnostic::Level::error,
             fmt::format("the value of '{}' grows beyond {} bytes", s.key,
                         limits_.value_bytes));
    s.value.clear();
  }
  total_ += s.key.size() + s.value.size();
  if (total_ <= limits_.total_bytes || over_) return;
  over_ = true;
  complain(
      s, Diagnostic::Level::error,
      fmt::format("all settings together grow beyond {} bytes", limits_.total_bytes));
}

void Substitution::variables(Setting& s) {
  s.value = replace_calls(s.value, '$', [&](std::string_view inner) {
    auto value = evaluate_variable(inner, world_);
    // $(cat file) is for a shell that runs the value later
    if (!value && inner.find(' ') == inner.npos)
      complain(
          s, Diagnostic::Level::warning,
          fmt::format("environment variable '{}' is not set: the text stays as written",
                      inner));
    return value;
  });
}

void Substitution::insertions(Setting& s) {
  s.value = replace_calls(
      s.value, '@', [&](std::string_view inner) -> std::optional<std::string> {
        const std::string path = with_placeholders(std::string(inner), s);
        if (path.find("://") != path.npos) {
          complain(s, Diagnostic::Level::warning,
                   fmt::format("'@({})' is not read: only files are", path));
          return std::nullopt;
        }
        auto file = files_.read(path, limits_.inserted_bytes);
        if (file && file->text.find('\0') != file->text.npos)
          file = fail("it has NUL bytes");
        if (!file) {
          complain(s, Diagnostic::Level::error,
                   fmt::format("cannot insert '{}': {}", path, file.error().message()));
          return std::nullopt;
        }
        if (file->text.ends_with('\n')) file->text.pop_back();
        return file->text;
      });
}

std::string Substitution::with_placeholders(const std::string& text,
                                            const Setting& asking) {
  if (text.find("%(") == text.npos) return text;
  size_t produced = text.size();
  return replace_calls(
      text, '%', [&](std::string_view inner) -> std::optional<std::string> {
        if (produced > limits_.value_bytes) return std::nullopt;
        auto value = evaluate_placeholder(
            inner, [&](std::string_view key) { return placeholder_value(key, asking); });
        if (value) produced += value->size();
        return value;
      });
}

std::optional<std::string> Substitution::placeholder_value(std::string_view key,
                                                           const Setting& asking) {
  const auto found = first_.find(key);
  if (found == first_.end()) return std::nullopt;
  const size_t index = found->second;
  table_[index].placeholder = true;
  if (states_[index] == State::running) {
    complain(asking, Diagnostic::Level::error,
             fmt::format("placeholder '%({})' refers to itself", key));
    return std::nullopt;
  }
  if (depth_ >= limits_.placeholder_depth) {
    complain(asking, Diagnostic::Level::error,
             fmt::format("placeholder '%({})' is nested too deep", key));
    return std::nullopt;
  }
  placeholders(index);
  return table_[index].value;
}

void Substitution::placeholders(size_t index) {
  Setting& s = table_[index];
  if (states_[index] != State::raw) return;
  states_[index] = State::running;
  ++depth_;
  if (!over_) s.value = with_placeholders(s.value, s);
  --depth_;
  states_[index] = State::done;
  keep_in_bounds(s);
}

}  // namespace

std::string replace_calls(std::string_view text, char sigil, const Lookup& value_of) {
  const char opening[] = {sigil, '('};
  const std::vector<size_t> closing = closing_parentheses(text);
  std::string out;
  for (size_t from = 0; from < text.size();) {
    const size_t at = text.find(std::string_view(opening, 2), from);
    out += text.substr(from, at - from);
    if (at == text.npos) break;
    const size_t end = closing[at + 1];
    const auto inner =
        end == text.npos ? std::string_view() : text.substr(at + 2, end - at - 2);
    const bool sensible = !inner.empty() && inner.size() <= kInnerBytes;
    const auto value = sensible ? value_of(inner) : std::nullopt;
    out += value ? std::string_view(*value) : std::string_view(opening, 2);
    from = value ? end + 1 : at + 2;
  }
  return out;
}

std::optional<std::string> evaluate_variable(std::string_view inner,
                                             const IniWorld& world) {
  if (const auto* value = world.variable(inner)) return *value;
  const size_t dash = inner.find('-');
  if (dash == inner.npos || dash == 0) return std::nullopt;
  const bool also_if_empty = inner[dash - 1] == ':';
  const auto* value = world.variable(inner.substr(0, dash - (also_if_empty ? 1 : 0)));
  if (value != nullptr && !(also_if_empty && value->empty())) return *value;
  return std::string(inner.substr(dash + 1));
}

std::optional<std::string> evaluate_placeholder(std::string_view inner,
                                                const Lookup& lookup) {
  if (inner.find(' ') == inner.npos) return lookup(inner);
  std::string result;
  char op = 0;
  for (size_t from = 0; from < inner.size();) {
    const size_t end = std::min(inner.find(' ', from), inner.size());
    const auto word = inner.substr(from, end - from);
    from = end + 1;
    if (word.empty()) continue;
    if (result.size() > kResultBytes) return result;
    if (word == "++" || word == "--") {
      result = std::to_string(reckon(word[0], to_number(result), 1));
      op = 0;
    } else if (word.size() == 1 &&
               std::string_view("+-*/").find(word[0]) != std::string_view::npos) {
      op = word[0];
    } else {
      const std::string value =
          is_number(word) ? std::string(word) : lookup(word).value_or(std::string());
      if (op == 0)
        result += value;
      else
        result = std::to_string(reckon(op, to_number(result), to_number(value)));
      op = 0;
    }
  }
  return result;
}

void substitute_all(std::vector<Setting>& table,
                    FileSource& files,
                    const IniWorld& world,
                    const IniLimits& limits,
                    Diagnostics& diagnostics) {
  Substitution(table, files, world, limits, diagnostics).run();
}

}  // namespace base
