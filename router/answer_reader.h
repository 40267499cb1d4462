// AnswerReader: one answer of a backend, in whatever protocol, as a head and a decoded
// body. Pure.
//
// http and uwsgi backends send HTTP/1; scgi and fastcgi backends the head of a CGI
// program ("Status: 404 Not Found"), as a uwsgi backend may, and those may send a status
// line. Interim answers (100, 103) are skipped, trailers dropped. The head and what is
// kept of FastCGI's error stream are bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "router/cgi_head.h"
#include "router/fastcgi.h"
#include "router/http_message.h"
#include "router/protocol.h"

namespace router {

/// What the request was, as far as its answer depends on it.
struct AnswerTo {
  bool head = false;     ///< HEAD: the answer has no body
  bool upgrade = false;  ///< 101 is a valid answer
};

class AnswerReader {
 public:
  enum class State : uint8_t {
    head,      ///< more of the head is needed
    body,      ///< the head is whole, the answer is not
    complete,  ///< nothing more belongs to it
    broken,    ///< see fault()
    upgraded,  ///< 101: whatever comes is the tunnel's
  };

  explicit AnswerReader(Protocol protocol, AnswerTo asked = {});
  ~AnswerReader() = default;
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  /// Takes bytes just received, once each. Decoded bytes of the body are moved to the
  /// front of `bytes`; gives how many. They are good even if the state is broken after
  /// them. Without allocation once the head is whole.
  size_t feed(std::span<char> bytes);
  /// The backend sends no more: completes an answer whose end only that can tell, breaks
  /// one that is not whole.
  State end_of_stream();

  State state() const { return state_; }
  /// A sentence about what is broken, for the log; text of the program.
  std::string_view fault() const { return fault_; }

  // Once the head is whole. Views live as long as the reader.
  int status() const { return status_; }
  std::string_view reason() const { return reason_; }  ///< may be empty
  /// Valid names and values, in order. Not among them: fields of this hop (but for
  /// Connection and Upgrade when upgraded), Transfer-Encoding, Status, and all but one of
  /// equal Content-Lengths.
  const std::vector<HttpField>& fields() const { return fields_; }
  /// What the head says, also for HEAD and 304.
  std::optional<uint64_t> content_length() const { return content_length_; }
  /// Whether a body can follow: not for HEAD, 204, 304.
  bool has_body() const { return has_body_; }

  /// The connection can carry another request (if this one was sent whole). Bytes after
  /// the end of an answer, also later ones that are fed, end that.
  bool reusable() const;
  /// What a FastCGI program wrote to its error stream; the first kMaxError bytes of it.
  std::string_view stderr_text() const { return records_.error_text(); }

  /// More interim answers than this are not waited through.
  static constexpr int kMaxInterim = 16;

 private:
  enum class Form : uint8_t { unknown, http, cgi };

  void fail(std::string_view fault);
  size_t feed_plain(std::span<char> bytes);
  size_t feed_head(std::span<char> bytes);
  size_t feed_body(std::span<char> bytes);
  size_t feed_cgi_body(std::span<char> bytes);
  /// Reads on in the head; the number of bytes of `text` that belong to it, if whole.
  std::optional<size_t> read_head(std::string_view text);
  std::optional<size_t> read_http_head(std::string_view text);
  std::optional<size_t> read_cgi_head(std::string_view text);
  void choose_form(std::string_view text);
  /// The head is whole and stands in head_.
  void settle_http(HttpMessage& message);
  void settle_interim();
  void settle_cgi();
  void settle_fields(const std::vector<HttpField>& fields);
  bool settle_framing(const HttpField& field);
  void after_records();

  Protocol protocol_;
  AnswerTo asked_;
  State state_ = State::head;
  Form form_ = Form::unknown;
  std::string_view fault_;

  fastcgi::AnswerRecords records_;  // fastcgi only
  std::string head_;                // as far as it came; then the whole head
  std::optional<HttpMessage> message_;
  CgiHead cgi_;
  int interim_ = 0;

  int status_ = 0;
  std::string_view reason_;
  std::vector<HttpField> fields_;
  std::optional<uint64_t> content_length_;
  uint64_t cgi_left_ = 0;  // of content_length_, in the form of CGI
  bool has_encoding_ = false;
  bool has_body_ = false;
  bool excess_ = false;  // something came that does not belong to the answer
};

}  // namespace router
