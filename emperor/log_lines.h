// LineSplitter: bytes of a pipe into lines.
//
// Pure. A line that is longer than the bound is handed on in pieces, so that a tenant who
// never ends a line costs no more memory than that.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace emperor {

class LineSplitter {
 public:
  static constexpr size_t kLongest = 16 * 1024;

  explicit LineSplitter(size_t longest = kLongest) : longest_(longest) {}

  /// Calls `line(std::string_view)` for every line that `bytes` ends, without its end.
  template <class F>
  void feed(std::string_view bytes, F&& line) {
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      take(bytes.substr(0, end), line);
      if (end == bytes.npos) return;
      // An end that comes alone ends what was handed on before.
      if (!begun_.empty() || !cut_) line(std::string_view(begun_));
      begin_again();
      cut_ = false;
      bytes.remove_prefix(end + 1);
    }
  }
  /// Hands on what has no end yet.
  template <class F>
  void flush(F&& line) {
    if (begun_.empty()) return;
    line(std::string_view(begun_));
    begin_again();
    cut_ = true;
  }
  bool partial() const { return !begun_.empty(); }

 private:
  void begin_again() {
    begun_.clear();
    begun_.shrink_to_fit();
  }
  template <class F>
  void take(std::string_view piece, F&& line) {
    while (begun_.size() + piece.size() > longest_) {
      const size_t room = longest_ - begun_.size();
      begun_.append(piece.substr(0, room));
      line(std::string_view(begun_));
      begun_.clear();
      cut_ = true;
      piece.remove_prefix(room);
    }
    begun_.append(piece);
  }

  size_t longest_;
  std::string begun_;
  bool cut_ = false;  // the line that goes on was handed on in part
};

}  // namespace emperor
