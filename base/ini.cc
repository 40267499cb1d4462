// inih is driven by a reader callback of ours that hands it one line at a time and keeps
// count, so that every entry knows its line (the handler runs right after its line was
// read). A line that inih would read differently from uWSGI (too long for its buffer, a
// ';' in the value, a ':' in the key, no '=') goes through as a stand-in of the same
// place, and the handler takes the text from here.
#include "base/ini.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <ini.h>

namespace base {

namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kStandIn = "stand-in=";
constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr size_t kInihSectionBytes = 49;

class Feed {
 public:
  Feed(std::string_view text, const IniTextLimits& limits, IniText& out)
      : rest_(text), limits_(limits), out_(out) {
    if (rest_.starts_with(kBom)) rest_.remove_prefix(kBom.size());
  }

  /// ini_reader: the next line that matters, or null at the end.
  static char* read(char* buffer, int size, void* self) {
    return static_cast<Feed*>(self)->next(buffer, static_cast<size_t>(size));
  }
  /// ini_handler: one key and value.
  static int take(void* self, const char*, const char* name, const char* value) {
    static_cast<Feed*>(self)->add(name, value);
    return 1;
  }

 private:
  char* next(char* buffer, size_t size);
  std::string_view cut_line();
  bool acceptable(std::string_view raw);
  void open_section(std::string_view line);
  std::string_view hand_over(std::string_view line, size_t size);
  void add(std::string_view name, std::string_view value);
  void complain(IniComplaint::Level level, std::string text) {
    out_.complaints.push_back({level, line_, std::move(text)});
  }

  std::string_view rest_;
  const IniTextLimits& limits_;
  IniText& out_;
  uint32_t line_ = 0;
  std::string section_;
  std::string_view stood_in_;  // the line that the stand-in stands for
  bool stands_in_ = false;
};

std::string_view Feed::cut_line() {
  const size_t end = std::min(rest_.find('\n'), rest_.size());
  const std::string_view raw = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  ++line_;
  return raw;
}

bool Feed::acceptable(std::string_view raw) {
  if (raw.size() > limits_.line_bytes)
    complain(IniComplaint::Level::error,
             "line is longer than " + std::to_string(limits_.line_bytes) + " bytes");
  else if (raw.find('\0') != raw.npos)
    complain(IniComplaint::Level::error, "NUL byte: this is not a text file");
  else
    return true;
  rest_ = {};
  return false;
}

// uWSGI takes all but the last character of the line as the name, so that a comment
// behind the header hides the whole section. Nobody means that.
void Feed::open_section(std::string_view line) {
  const size_t close = line.find(']');
  if (close == line.npos)
    complain(IniComplaint::Level::warning, "section header without ']'");
  else if (close + 1 != line.size())
    complain(IniComplaint::Level::warning, "text after the section header is not read");
  section_ = std::string(line.substr(1, close == line.npos ? close : close - 1));
}

bool inih_reads_it_alike(std::string_view line, size_t size) {
  const size_t equals = line.find('=');
  if (equals == line.npos || equals == 0 || line.size() + 2 > size) return false;
  return line.substr(0, equals).find(':') == line.npos &&
         line.find_first_of(";\v\f") == line.npos;
}

std::string_view Feed::hand_over(std::string_view line, size_t size) {
  if (line.front() == '[') {
    open_section(line);
    const bool plain = section_.size() < std::min(size, kInihSectionBytes) - 3 &&
                       line.find_first_of(";\v\f") == line.npos && line.back() == ']';
    return plain ? line : "[stand-in]";
  }
  stands_in_ = !inih_reads_it_alike(line, size);
  stood_in_ = line;
  return stands_in_ ? kStandIn : line;
}

char* Feed::next(char* buffer, size_t size) {
  while (!rest_.empty()) {
    const std::string_view raw = cut_line();
    if (!acceptable(raw)) return nullptr;
    const std::string_view line = strip(raw);
    if (line.empty() || line.front() == ';' || line.front() == '#') continue;
    if (line.front() != '[' && out_.lines.size() >= limits_.lines) {
      complain(IniComplaint::Level::error,
               "more than " + std::to_string(limits_.lines) + " settings");
      return nullptr;
    }
    const std::string_view handed = hand_over(line, size);
    std::memcpy(buffer, handed.data(), handed.size());
    buffer[handed.size()] = '\n';
    buffer[handed.size() + 1] = '\0';
    return buffer;
  }
  return nullptr;
}

void Feed::add(std::string_view name, std::string_view value) {
  if (stands_in_) {
    const size_t equals = stood_in_.find('=');
    name = strip(stood_in_.substr(0, equals));
    value = equals == stood_in_.npos ? std::string_view()
                                     : strip(stood_in_.substr(equals + 1));
  }
  out_.lines.push_back({section_, std::string(name), std::string(value), line_});
}

}  // namespace

bool IniText::failed() const {
  return std::ranges::any_of(complaints, [](const IniComplaint& c) {
    return c.level == IniComplaint::Level::error;
  });
}

std::string_view strip(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

IniText parse_ini(std::string_view text, const IniTextLimits& limits) {
  IniText out;
  Feed feed(text, limits, out);
  if (::ini_parse_stream(&Feed::read, &feed, &Feed::take, &feed) < 0)
    out.complaints.push_back({IniComplaint::Level::error, 0, "out of memory"});
  return out;
}

}  // namespace base
