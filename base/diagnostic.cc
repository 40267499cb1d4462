#include "base/diagnostic.h"

#include "base/log.h"

namespace base {

std::string Diagnostic::message() const {
  const char* prefix = "";
  switch (level) {
    case Level::note:
      prefix = "note: ";
      break;
    case Level::warning:
      prefix = "warning: ";
      break;
    case Level::error:
      break;
  }
  return printable(origin.text(), 1024) + ": " + prefix + printable(text, 1024);
}

std::string clipped(std::string text) {
  constexpr size_t kLongest = 400;
  if (text.size() <= kLongest) return text;
  text.resize(kLongest);
  return text + "...";
}

}  // namespace base
