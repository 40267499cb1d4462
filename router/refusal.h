// Refusal: an answer that the router gives by itself, and the page that says it.
//
// Pages are short, complete HTTP answers (Content-Length, Connection: close): nginx reads
// them as the answer of an application, browsers as HTTP/1.1.
#pragma once

#include <string>
#include <string_view>

#include "base/wire/cause.h"

namespace router {

using wire::Cause;

struct Refusal {
  int status = 500;
  std::string_view why;      ///< one sentence; text of the program, never of a peer
  unsigned retry_after = 0;  ///< seconds; 0 = no Retry-After
  Cause cause = Cause::other;
};

/// "Not Found"
std::string_view reason_phrase(int status);

/// Whether the page itself is sent, or its head alone (the request was HEAD).
enum class PageBody { sent, left_out };

/// The whole answer with a page of somebody's own, which is HTML.
std::string answer_with(const Refusal& refusal, std::string_view page, PageBody body);

/// The whole answer, head and page. `host` is named in the page; it must be normalised.
std::string error_page(const Refusal& refusal,
                       std::string_view host = {},
                       PageBody body = PageBody::sent);

namespace refusals {
inline constexpr Refusal kNoRoute{
    404,
    "No site is configured for this host name. If it should be here, say "
    "<code>domain = this.host.name</code> in the ini file of its vassal, and look at "
    "<code>emperorctl routes</code>.",
    0, Cause::no_route};
inline constexpr Refusal kHeadTimeout{
    408, "The head of the request did not arrive in time (header-timeout).", 0,
    Cause::header_timeout};
inline constexpr Refusal kMalformed{400, "The request is not well-formed.", 0,
                                    Cause::bad_request};
inline constexpr Refusal kBadHost{400, "The host name of the request is not valid.", 0,
                                  Cause::bad_request};
inline constexpr Refusal kBadLength{
    400, "The Content-Length of the request is not valid.", 0, Cause::bad_request};
inline constexpr Refusal kTooLarge{
    413, "The body of the request is larger than this site accepts (limit-post).", 0,
    Cause::limit_post};
inline constexpr Refusal kHeadTooLarge{431, "The head of the request is too large.", 0,
                                       Cause::head_size};
inline constexpr Refusal kBadAnswer{502, "The site gave no valid answer.", 0,
                                    Cause::bad_answer};
inline constexpr Refusal kNoNode{503, "No node of this site can be reached.", 5,
                                 Cause::connect};
inline constexpr Refusal kStopped{503, "The site is stopped.", 60, Cause::stopped};
inline constexpr Refusal kDoesNotStart{503, "The site does not start.", 5, Cause::start};
inline constexpr Refusal kQueueFull{
    503, "The site has too many requests waiting (queue-max).", 5, Cause::queue_max};
inline constexpr Refusal kExpired{
    503, "The site did not take the request in time (queue-timeout).", 5,
    Cause::queue_timeout};
inline constexpr Refusal kRemoved{503, "The site was removed.", 5, Cause::removed};
inline constexpr Refusal kTooMany{503, "Too many connections from this address.", 5};
inline constexpr Refusal kPlainHttp{400, "This is a port for https."};
inline constexpr Refusal kBusy{503, "The server is out of resources.", 5,
                               Cause::resources};
inline constexpr Refusal kTooManyAtOnce{
    503, "The site has too many requests under way (concurrency-max).", 1,
    Cause::concurrency_max};
inline constexpr Refusal kNoAnswer{
    504, "The site did not answer in time (request-timeout).", 0, Cause::request_timeout};
}  // namespace refusals

}  // namespace router
