#include "base/options.h"

namespace base {

std::string_view name_of(ValueType type) {
  switch (type) {
    case ValueType::flag:
      return "flag";
    case ValueType::number:
      return "number";
    case ValueType::size:
      return "size";
    case ValueType::megabytes:
      return "megabytes";
    case ValueType::duration:
      return "duration";
    case ValueType::percent:
      return "per cent";
    case ValueType::mode:
      return "octal mode";
    case ValueType::text:
      return "text";
    case ValueType::list:
      return "text, repeatable";
    case ValueType::format:
      return "format";
    case ValueType::command:
      return "command, repeatable";
  }
  return "";
}

std::string_view name_of(Treatment treatment) {
  switch (treatment) {
    case Treatment::honoured:
      return "honoured";
    case Treatment::mapped:
      return "mapped";
    case Treatment::ignored:
      return "ignored";
    case Treatment::missing:
      return "no effect";
    case Treatment::refused:
      return "refused";
  }
  return "";
}

std::string reference_text(std::span<const OptionText> rows) {
  std::string out = "| option | value | default | set by | treatment | meaning |\n";
  out += "|---|---|---|---|---|---|\n";
  for (const OptionText& row : rows) {
    out += "| `" + std::string(row.name) + "`";
    if (!row.aliases.empty()) out += " (" + std::string(row.aliases) + ")";
    out += " | " + std::string(name_of(row.type)) + " | " +
           std::string(row.default_text) + " | ";
    out += row.set_by == SetBy::tenant ? "anyone" : "operator";
    out += " | " + std::string(name_of(row.treatment)) + " | " + std::string(row.help) +
           " |\n";
  }
  return out;
}

}  // namespace base
