// Options declared in one table: the row type, look-up by name and alias, the nearest
// name for a mistyped one, and the reference text. What a row's value does is the table
// owner's: `Target` is whatever its apply functions work on. Used for a vassal's options
// and for each program's own.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest.h"
#include "base/setting.h"

namespace base {

/// What values look like; for the reference text, and to know which values deserve a
/// warning.
enum class ValueType {
  flag,
  number,
  size,
  megabytes,
  duration,
  percent,
  mode,
  text,
  list,
  format,
  command
};
std::string_view name_of(ValueType type);

/// What becomes of an option.
enum class Treatment {
  honoured,
  mapped,   ///< by something else of the same purpose; `help` says what
  ignored,  ///< safely: what it asks for is always so, or not needed; `help` is the
            ///< reason
  missing,  ///< without effect, and somebody may notice; `help` is the reason
  refused   ///< leaving it out could harm: the file is not served; `help` is the reason
};
std::string_view name_of(Treatment treatment);

/// Who may set it.
enum class SetBy { tenant, operator_only };

template <class Target>
struct Option {
  std::string_view name;
  std::string_view aliases;  ///< separated by spaces
  ValueType type = ValueType::text;
  std::string_view default_text;
  SetBy set_by = SetBy::tenant;
  Treatment treatment = Treatment::honoured;
  void (*apply)(Target& target, const Setting& setting) = nullptr;
  std::string_view help;
};

/// One row of the table as the reference shows it.
struct OptionText {
  std::string_view name, aliases, default_text, help;
  ValueType type = ValueType::text;
  SetBy set_by = SetBy::tenant;
  Treatment treatment = Treatment::honoured;
};

/// A Markdown table of the options; the same text stands in the docs.
std::string reference_text(std::span<const OptionText> rows);

/// An index over rows that live elsewhere (a constexpr array) and outlive it.
template <class Target>
class OptionTable {
 public:
  using Row = Option<Target>;

  explicit OptionTable(std::span<const Row> rows) : rows_(rows) {
    for (const Row& row : rows) {
      enter(row.name, row);
      for (std::string_view rest = row.aliases; !rest.empty();) {
        const size_t end = std::min(rest.find(' '), rest.size());
        enter(rest.substr(0, end), row);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    std::ranges::sort(index_, {}, &Entry::name);
    std::ranges::sort(names_);
  }

  /// By name or alias; null if there is none.
  const Row* find(std::string_view name) const {
    const auto it = std::ranges::lower_bound(index_, name, {}, &Entry::name);
    return it != index_.end() && it->name == name ? it->row : nullptr;
  }
  /// The option that was most likely meant; empty if none is near.
  std::string_view nearest(std::string_view name) const {
    return nearest_name(name, names_);
  }
  std::span<const Row> rows() const { return rows_; }
  std::string reference() const {
    std::vector<OptionText> texts;
    for (const Row& r : rows_)
      texts.push_back(
          {r.name, r.aliases, r.default_text, r.help, r.type, r.set_by, r.treatment});
    return reference_text(texts);
  }

 private:
  struct Entry {
    std::string_view name;
    const Row* row;
  };
  void enter(std::string_view name, const Row& row) {
    index_.push_back({name, &row});
    names_.push_back(name);
  }

  std::span<const Row> rows_;
  std::vector<Entry> index_;  // names and aliases, sorted
  std::vector<std::string_view> names_;
};

}  // namespace base
