#include "router/error_pages.h"

#include <doctest/doctest.h>

#include "router/refusal.h"

using namespace router;

TEST_SUITE("router") {
  TEST_CASE("error pages: the nearest domain goes first, then the longest wildcard") {
    ErrorPages pages;
    for (const char* domain : {"", "a.example.com", "*.example.com", "*.com"})
      pages.add(domain, 503, domain);
    pages.add("", 404, "404");
    const auto of = [&](std::string_view host, int status) {
      const auto* page = pages.find(host, status);
      return page == nullptr ? std::string("none") : *page;
    };
    CHECK(of("a.example.com", 503) == "a.example.com");
    CHECK(of("b.example.com", 503) == "*.example.com");
    CHECK(of("x.a.example.com", 503) == "*.example.com");
    CHECK(of("example.com", 503) == "*.com");
    CHECK(of("example.org", 503) == "");
    CHECK(of("", 503) == "");
    CHECK(of("a.example.com", 404) == "404");
    CHECK(of("a.example.com", 502) == "none");
  }

  TEST_CASE("error pages: bounds hold, a name stands once") {
    ErrorPages pages;
    const ErrorPageBounds bounds{.most_pages = 2, .page_bytes = 4, .all_bytes = 6};
    CHECK_FALSE(pages.add("", 500, "12345", bounds));
    CHECK(pages.add("", 500, "1234", bounds));
    CHECK_FALSE(pages.add("", 500, "1", bounds));
    CHECK_FALSE(pages.add("", 502, "123", bounds));
    CHECK(pages.add("", 502, "12", bounds));
    CHECK_FALSE(pages.add("", 503, "", bounds));
  }

  TEST_CASE("error pages: which file names are pages") {
    CHECK(status_of_page("503.html") == 503);
    for (const char* name :
         {"503.htm", "503", ".html", "50.html", "5030.html", "200.html", "600.html",
          "-503.html", "503.html~", "+503.html", ""}) {
      CAPTURE(name);
      CHECK(status_of_page(name) == 0);
    }
  }

  TEST_CASE("refusal: a page of one's own comes with the same head") {
    const std::string answer =
        answer_with(refusals::kQueueFull, "<p>later</p>", PageBody::sent);
    CHECK(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(answer.find("\r\nContent-Length: 12\r\n") != answer.npos);
    CHECK(answer.find("\r\nRetry-After: 5\r\n") != answer.npos);
    CHECK(answer.ends_with("\r\n\r\n<p>later</p>"));
    CHECK(answer_with(refusals::kQueueFull, "<p>later</p>", PageBody::left_out)
              .ends_with("\r\n\r\n"));
  }
}
