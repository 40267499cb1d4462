#include "vassal/explain.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/core.h>

#include "base/log.h"
#include "vassal/options.h"

namespace vassal {

namespace {

using base::Setting;
using base::ValueType;

bool accumulates(const Row& row) {
  return row.type == ValueType::list || row.type == ValueType::command;
}

struct Given {
  const Setting* setting;
  std::string_view layer;
  bool allowed;
};

Explained of_setting(std::string_view key,
                     const Given& given,
                     std::string_view treatment) {
  return {std::string(key),         given.setting->value,   given.setting->origin.text(),
          std::string(given.layer), std::string(treatment), {}};
}

class Explanation {
 public:
  explicit Explanation(const Layers& layers)
      : by_tenant_(layers.author == Author::tenant) {
    collect(layers.defaults, "defaults");
    collect(layers.vassal, "vassal");
    collect(layers.policy, "policy");
  }

  std::vector<Explained> all() {
    for (const Row& row : option_table().rows())
      option(row);
    for (const Given& given : unknown_) {
      const bool placeholder = given.setting->placeholder;
      out_.push_back(
          of_setting(given.setting->key, given, placeholder ? "placeholder" : "unknown"));
    }
    return std::move(out_);
  }

 private:
  void collect(const std::vector<Setting>& settings, std::string_view layer) {
    for (const Setting& s : settings) {
      const Row* row = option_table().find(s.key);
      if (row == nullptr) {
        unknown_.push_back({&s, layer, true});
        continue;
      }
      const bool forbidden =
          by_tenant_ && layer == "vassal" && row->set_by == base::SetBy::operator_only;
      given_[row].push_back({&s, layer, !forbidden});
    }
  }

  void option(const Row& row) {
    const auto found = given_.find(&row);
    const std::vector<Given> none;
    const auto& given = found == given_.end() ? none : found->second;
    if (std::ranges::none_of(given, &Given::allowed) &&
        row.treatment == base::Treatment::honoured && !row.default_text.empty())
      out_.push_back({std::string(row.name),
                      std::string(row.default_text),
                      "built in",
                      "built in",
                      "honoured",
                      {}});
    if (accumulates(row) || row.treatment != base::Treatment::honoured)
      each(row, given);
    else
      last(row, given);
  }

  void each(const Row& row, const std::vector<Given>& given) {
    for (const Given& g : given) {
      // rows of options without effect stand for whole families: there the written name
      // says more
      const bool acts = row.treatment == base::Treatment::honoured;
      out_.push_back(of_setting(acts ? row.name : std::string_view(g.setting->key), g,
                                g.allowed ? base::name_of(row.treatment) : "ignored"));
    }
  }

  void last(const Row& row, const std::vector<Given>& given) {
    const auto winner = std::find_if(given.rbegin(), given.rend(),
                                     [](const Given& g) { return g.allowed; });
    if (winner == given.rend()) return each(row, given);
    auto line = of_setting(row.name, *winner, base::name_of(row.treatment));
    for (const Given& g : given)
      if (&g != &*winner) line.overridden.push_back(g.setting->origin.text());
    out_.push_back(std::move(line));
  }

  bool by_tenant_;
  std::map<const Row*, std::vector<Given>> given_;
  std::vector<Given> unknown_;
  std::vector<Explained> out_;
};

}  // namespace

std::vector<Explained> explain(const Layers& layers) {
  return Explanation(layers).all();
}

std::string explain_text(const std::vector<Explained>& values) {
  constexpr size_t kWidest = 48;
  size_t width = 0;
  for (const Explained& v : values)
    width = std::max(width, std::min(kWidest, v.key.size() + v.value.size() + 3));
  std::string out;
  for (const Explained& v : values) {
    const std::string left = base::printable(v.key + " = " + v.value, 4096);
    out += fmt::format("{:<{}}  # {}", left, width, base::printable(v.origin, 4096));
    if (v.layer == "defaults" || v.layer == "policy") out += " (" + v.layer + ")";
    if (v.treatment != "honoured") out += ", " + v.treatment;
    for (size_t i = 0; i < v.overridden.size(); ++i)
      out += (i == 0 ? ", instead of " : ", ") + base::printable(v.overridden[i], 4096);
    out += '\n';
  }
  return out;
}

Check check(const ReadResult& read, const Names& names, const Layers& around) {
  Layers layers = around;
  layers.vassal = read.settings;
  layers.file = read.files.empty() ? read.path : read.files.front().path;
  Check out{read.diagnostics, false};
  // what could not be read has no meaning to look at
  if (!read.files.empty()) {
    auto parsed = make_config(layers, names);
    for (Diagnostic& d : parsed.diagnostics)
      out.diagnostics.push_back(std::move(d));
  }
  out.usable = std::ranges::none_of(out.diagnostics, [](const Diagnostic& d) {
    return d.level == Diagnostic::Level::error;
  });
  return out;
}

std::string check_text(const Check& check, Notes notes) {
  std::string out;
  for (const Diagnostic& d : check.diagnostics)
    if (notes == Notes::show || d.level != Diagnostic::Level::note)
      out += d.message() + "\n";
  return out;
}

}  // namespace vassal
