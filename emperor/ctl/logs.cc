#include "emperor/ctl/logs.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "emperor/ctl/client.h"

namespace emperor::ctl {

namespace {

using nlohmann::json;

/// UTF-8 by first byte: how long the character is, and the least second byte that is no
/// longer form of a shorter character.
struct Utf8 {
  unsigned first;
  unsigned last;
  size_t length;
  unsigned least_second;
};
// U+0080 to U+009F, behind c2, are control characters too.
constexpr std::array<Utf8, 6> kUtf8{{{0xc2, 0xc2, 2, 0xa0},
                                     {0xc3, 0xdf, 2, 0x80},
                                     {0xe0, 0xe0, 3, 0xa0},
                                     {0xe1, 0xef, 3, 0x80},
                                     {0xf0, 0xf0, 4, 0x90},
                                     {0xf1, 0xf4, 4, 0x80}}};

unsigned byte_of(std::string_view text, size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

/// Bytes of the UTF-8 character that begins here; 0 if none does, or if a terminal would
/// obey it.
size_t character_at(std::string_view text, size_t at) {
  const unsigned first = byte_of(text, at);
  if (first == '\t' || (first >= 0x20 && first < 0x7f)) return 1;
  for (const Utf8& form : kUtf8) {
    if (first < form.first || first > form.last) continue;
    bool whole = byte_of(text, at + 1) >= form.least_second;
    for (size_t i = 1; i < form.length; ++i)
      whole = whole && (byte_of(text, at + i) & 0xc0) == 0x80;
    return whole ? form.length : 0;
  }
  return 0;
}

/// What a tenant wrote moves no cursor and sets no title.
std::string harmless(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_at(text, at);
    if (length > 0) {
      out.append(text.substr(at, length));
      at += length;
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[at++]);
    out.append("\\x").push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

/// The lines of one answer: its head says whether there are any.
class Printer {
 public:
  /// False once there is nothing more to wait for.
  bool take(std::string_view bytes) {
    rest_.append(bytes);
    size_t done = 0;
    for (size_t end; (end = rest_.find('\n', done)) != rest_.npos; done = end + 1)
      line(std::string_view(rest_).substr(done, end - done));
    rest_.erase(0, done);
    std::fflush(stdout);
    return error_.empty();
  }
  bool answered() const { return answered_; }
  const std::string& error() const { return error_; }

 private:
  void line(std::string_view text) {
    if (!answered_) return head(text);
    const std::string shown = terminal_ ? harmless(text) : std::string(text);
    std::fwrite(shown.data(), 1, shown.size(), stdout);
    std::fputc('\n', stdout);
  }
  void head(std::string_view text) {
    const auto answer = json::parse(text, nullptr, false);
    answered_ = answer.is_object() && answer.value("ok", false);
    if (!answered_)
      error_ = answer.is_object() ? answer.value("error", "no reason given")
                                  : "no answer in JSON";
  }

  const bool terminal_ = ::isatty(STDOUT_FILENO) != 0;
  std::string rest_;
  std::string error_;
  bool answered_ = false;
};

int fail(const std::string& why) {
  std::fprintf(stderr, "emperorctl: %s\n", why.c_str());
  return 1;
}

}  // namespace

int show_log(const std::string& control,
             const std::string& name,
             size_t lines,
             Follow follow) {
  constexpr int kTries = 50;
  constexpr auto kPause = std::chrono::milliseconds(200);
  bool began = false;
  for (int tries = 0; tries < kTries; ++tries) {
    Printer printer;
    const json request{{"cmd", "logs"},
                       {"name", name},
                       {"lines", began ? 0 : lines},
                       {"follow", follow == Follow::yes}};
    const auto asked = ask_for_text(control, request.dump(),
                                    [&](auto bytes) { return printer.take(bytes); });
    if (!printer.error().empty()) return fail(printer.error());
    if (printer.answered() && follow == Follow::no) return 0;
    if (!asked && !began) return fail(asked.error().message());
    // The logger or the emperor was away for a moment.
    if (printer.answered()) tries = 0;
    began = began || printer.answered();
    std::this_thread::sleep_for(kPause);
  }
  return fail("the log of " + name + " is not to be had any more");
}

}  // namespace emperor::ctl
