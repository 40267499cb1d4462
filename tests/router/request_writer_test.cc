#include "router/request_writer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/wire/uwsgi_packet.h"

using router::BodyEnd;
using router::Param;
using router::Protocol;
using router::RequestShape;
using router::RequestWriter;

namespace {

using Vars = std::vector<std::pair<std::string, std::string>>;

const Vars kGet{{"REQUEST_METHOD", "GET"},
                {"REQUEST_URI", "/a?b=c"},
                {"PATH_INFO", "/a"},
                {"QUERY_STRING", "b=c"},
                {"HTTP_HOST", "x.example"},
                {"REMOTE_ADDR", "192.0.2.1"},
                {"REQUEST_SCHEME", "https"},
                {"HTTP_ACCEPT_LANGUAGE", "de, en"},
                {"HTTP_X_REQUEST_ID", "1-a_b"},
                {"UWSGI_FASTROUTER_KEY", "k"}};

std::string packet_of(const Vars& vars) {
  wire::PacketBuilder packet(7, 9);
  for (const auto& [key, value] : vars)
    REQUIRE(packet.add(key, value));
  return packet.bytes();
}

Vars with(Vars vars, const Vars& more) {
  vars.insert(vars.end(), more.begin(), more.end());
  return vars;
}

/// The same variables, one of them replaced.
Vars changed(Vars vars, const std::string& key, const std::string& value) {
  for (auto& var : vars)
    if (var.first == key) var.second = value;
  return vars;
}

/// The head for these variables, or the status of the refusal.
std::string head_of(Protocol protocol,
                    const Vars& vars,
                    const RequestShape& shape = {},
                    std::span<const Param> params = {}) {
  RequestWriter writer(protocol, 5, 6, params);
  std::string out = "before";
  const auto refusal = writer.head(packet_of(vars), shape, out);
  if (!refusal) return out.substr(6);
  CHECK(out == "before");
  return std::to_string(refusal->status);
}

std::string http(const Vars& vars, const RequestShape& shape = {}) {
  return head_of(Protocol::http, vars, shape);
}

Vars vars_of(std::string_view block) {
  Vars vars;
  wire::VarReader reader(block);
  while (const auto var = reader.next())
    vars.emplace_back(var->key, var->value);
  CHECK(reader.error() == nullptr);
  return vars;
}

/// The variables of a FastCGI head, which is checked on the way.
Vars params_of(std::string_view head) {
  const std::string begin("\1\1\0\1\0\x08\0\0\0\1\1\0\0\0\0\0", 16);
  REQUIRE(head.starts_with(begin));
  head.remove_prefix(begin.size());
  std::string pairs;
  for (;;) {
    REQUIRE(head.size() >= 8);
    CHECK(head[1] == 4);
    const size_t size = static_cast<size_t>(static_cast<uint8_t>(head[4])) << 8 |
                        static_cast<uint8_t>(head[5]);
    const size_t padding = static_cast<uint8_t>(head[6]);
    REQUIRE(head.size() >= 8 + size + padding);
    pairs += head.substr(8, size);
    head.remove_prefix(8 + size + padding);
    if (size == 0) break;
  }
  CHECK(head.empty());
  std::string_view rest = pairs;
  const auto length = [&rest] {
    size_t value = static_cast<uint8_t>(rest[0]);
    rest.remove_prefix(1);
    if (value < 0x80) return value;
    value &= 0x7f;
    for (int i = 0; i < 3; ++i, rest.remove_prefix(1))
      value = value << 8 | static_cast<uint8_t>(rest[0]);
    return value;
  };
  Vars vars;
  while (!rest.empty()) {
    const size_t key = length();
    const size_t value = length();
    REQUIRE(rest.size() >= key + value);
    vars.emplace_back(rest.substr(0, key), rest.substr(key, value));
    rest.remove_prefix(key + value);
  }
  return vars;
}

/// The text with every '|' a NUL.
std::string nuls(std::string text) {
  std::ranges::replace(text, '|', '\0');
  return text;
}

std::string value(const Vars& vars, const std::string& key) {
  std::string found = "(none)";
  for (const auto& var : vars)
    if (var.first == key) {
      CHECK(found == "(none)");
      found = var.second;
    }
  return found;
}

}  // namespace

TEST_SUITE("router") {
  TEST_CASE("protocol: full names and one letter") {
    CHECK(router::parse_protocol("fastcgi") == Protocol::fastcgi);
    CHECK(router::parse_protocol("u") == Protocol::uwsgi);
    CHECK(router::parse_protocol("h") == Protocol::http);
    CHECK(router::parse_protocol("f") == Protocol::fastcgi);
    CHECK(router::parse_protocol("s") == Protocol::scgi);
    CHECK_FALSE(router::parse_protocol(""));
    CHECK_FALSE(router::parse_protocol("ht"));
    CHECK_FALSE(router::parse_protocol("HTTP"));
    CHECK(router::name_of(Protocol::scgi) == "scgi");
  }

  TEST_CASE("request writer: http") {
    CHECK(http(kGet) ==
          "GET /a?b=c HTTP/1.1\r\nHost: x.example\r\nAccept-Language: de, en\r\n"
          "X-Request-Id: 1-a_b\r\nX-Forwarded-For: 192.0.2.1\r\n"
          "X-Forwarded-Proto: https\r\n\r\n");
  }

  TEST_CASE("request writer: http frames the body as the shape says") {
    const Vars vars = with(changed(kGet, "REQUEST_METHOD", "POST"),
                           {{"CONTENT_TYPE", "a/b"},
                            {"CONTENT_LENGTH", "7"},
                            {"HTTP_CONTENT_LENGTH", "8"},
                            {"HTTP_TRANSFER_ENCODING", "chunked"}});
    const std::string sized = http(vars, {.body_end = BodyEnd::length, .length = 5});
    CHECK(sized.contains("\r\nContent-Type: a/b\r\nContent-Length: 5\r\n"));
    CHECK_FALSE(sized.contains("chunked"));
    CHECK_FALSE(sized.contains("8"));
    const std::string chunked = http(vars, {.body_end = BodyEnd::unknown});
    CHECK(chunked.contains("\r\nTransfer-Encoding: chunked\r\n"));
    CHECK_FALSE(chunked.contains("Content-Length"));
    CHECK(http(vars).contains("\r\nContent-Length: 0\r\n"));
  }

  TEST_CASE("request writer: http leaves this hop's fields out") {
    const std::string head =
        http(with(kGet, {{"HTTP_CONNECTION", "close, X-Named ,X-Real-IP"},
                         {"HTTP_X_NAMED", "1"},
                         {"HTTP_X_REAL_IP", "192.0.2.9"},
                         {"HTTP_KEEP_ALIVE", "5"},
                         {"HTTP_TE", "trailers"},
                         {"HTTP_UPGRADE", "websocket"},
                         {"HTTP_PROXY", "evil"},
                         {"HTTP_PROXY_CONNECTION", "x"},
                         {"HTTP_EXPECT", "100-continue"},
                         {"HTTP_content-length", "3"},
                         {"HTTP_TRAILER", "x"}}));
    CHECK(head ==
          "GET /a?b=c HTTP/1.1\r\nHost: x.example\r\nAccept-Language: de, en\r\n"
          "X-Request-Id: 1-a_b\r\nX-Real-Ip: 192.0.2.9\r\n"
          "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n");
  }

  TEST_CASE("request writer: http continues the chain of proxies") {
    const std::string head = http(with(kGet, {{"HTTP_X_FORWARDED_FOR", "198.51.100.1"},
                                              {"HTTP_X_FORWARDED_FOR", "198.51.100.2"},
                                              {"HTTP_X_FORWARDED_PROTO", "http"}}));
    CHECK(
        head.contains("\r\nX-Forwarded-For: 198.51.100.1, 198.51.100.2, 192.0.2.1\r\n"));
    CHECK(head.contains("\r\nX-Forwarded-Proto: http\r\n"));
  }

  TEST_CASE("request writer: an upgrade is passed on when asked for") {
    const Vars vars =
        with(kGet, {{"HTTP_CONNECTION", "Upgrade"}, {"HTTP_UPGRADE", "websocket"}});
    CHECK(http(vars, {.upgrade = true})
              .ends_with("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    CHECK(http(kGet, {.upgrade = true}) == "400");
    CHECK_FALSE(http(vars).contains("Upgrade"));
  }

  TEST_CASE("request writer: http targets") {
    const auto line = [](const std::string& uri, const std::string& method = "GET") {
      const std::string head =
          http(changed(changed(kGet, "REQUEST_URI", uri), "REQUEST_METHOD", method));
      return head.substr(0, head.find("\r\n"));
    };
    CHECK(line("http://x.example/p?q") == "GET /p?q HTTP/1.1");
    CHECK(line("http://x.example?q") == "GET /?q HTTP/1.1");
    CHECK(line("http://x.example") == "GET / HTTP/1.1");
    CHECK(line("/p#fragment") == "GET /p HTTP/1.1");
    CHECK(line("*", "OPTIONS") == "OPTIONS * HTTP/1.1");
    CHECK(line("") == "GET /a?b=c HTTP/1.1");
    CHECK(line("*") == "400");
    CHECK(line("p") == "400");
    CHECK(line("/a b") == "400");
    CHECK(line("/a\r\nX: y") == "400");
    CHECK(line("/a", "CONNECT") == "405");
    CHECK(line("/a", "GET /b HTTP/1.1\r\nX:") == "405");
    CHECK(http({{"REQUEST_METHOD", "GET"},
                {"HTTP_HOST", "a"},
                {"SCRIPT_NAME", "/s"},
                {"PATH_INFO", "/\xc3\xa4 ?#%"}})
              .starts_with("GET /s/%C3%A4%20%3F%23%25 HTTP/1.1\r\n"));
    CHECK(http(changed(kGet, "HTTP_HOST", "a b")) == "400");
    CHECK(http(changed(kGet, "HTTP_HOST", "")) == "400");
    CHECK(http(with(changed(kGet, "HTTP_HOST", ""), {{"SERVER_NAME", "y.example"}}))
              .contains("\r\nHost: y.example\r\n"));
  }

  TEST_CASE("request writer: http never becomes two requests") {
    const std::string ends[] = {
        "\r",   "\n",  "\r\n", "\r\n\r\nGET /b HTTP/1.1\r\n", std::string(1, '\0'),
        "\x7f", "\x0b"};
    for (const std::string& end : ends)
      for (const std::string key : {"HTTP_A", "CONTENT_TYPE", "HTTP_HOST", "REMOTE_ADDR",
                                    "REQUEST_SCHEME", "HTTP_X_FORWARDED_FOR"}) {
        CAPTURE(key);
        CHECK(http(with(kGet, {{key, "v" + end + "w"}})) == "400");
      }
    for (const std::string key :
         {"HTTP_A:", "HTTP_A B", "HTTP_A\r\nX", "HTTP_", "HTTP_\xc3\xa4"}) {
      CAPTURE(key);
      CHECK(http(with(kGet, {{key, "v"}})) == "400");
    }
    const Vars upgrade = with(kGet, {{"HTTP_UPGRADE", "a\r\nb: c"}});
    CHECK(http(upgrade, {.upgrade = true}) == "400");
  }

  TEST_CASE("request writer: uwsgi keeps the packet and has its modifiers") {
    const std::string packet = packet_of(kGet);
    std::string wanted = packet;
    wanted[0] = 5;
    wanted[3] = 6;
    CHECK(head_of(Protocol::uwsgi, kGet) == wanted);
    const Vars post = with(kGet, {{"CONTENT_LENGTH", "5"}});
    const RequestShape five{.body_end = BodyEnd::length, .length = 5};
    CHECK(vars_of(head_of(Protocol::uwsgi, post, five).substr(4)) == post);
    CHECK(vars_of(head_of(Protocol::uwsgi, kGet, five).substr(4)) == post);
    CHECK(vars_of(head_of(Protocol::uwsgi, post).substr(4)) == kGet);
    CHECK(vars_of(head_of(Protocol::uwsgi, with(post, {{"CONTENT_LENGTH", "6"}}), five)
                      .substr(4)) == post);
    CHECK(head_of(Protocol::uwsgi, kGet, {.body_end = BodyEnd::unknown}) == "411");
    const std::vector<Param> params{{"HTTP_HOST", "fixed"}};
    CHECK(value(vars_of(head_of(Protocol::uwsgi, kGet, {}, params).substr(4)),
                "HTTP_HOST") == "fixed");
    const size_t left = wire::kMaxPacket - packet.size() - 5;
    const Vars full = with(kGet, {{"A", std::string(left, 'a')}});
    CHECK(head_of(Protocol::uwsgi, full).size() == wire::kMaxPacket);
    CHECK(head_of(Protocol::uwsgi, full, five) == "431");
  }

  TEST_CASE("request writer: scgi") {
    const Vars vars{
        {"REQUEST_METHOD", "POST"}, {"CONTENT_LENGTH", "9"}, {"SCGI", "2"},
        {"HTTP_HOST", ""},          {"HTTP_HOST", "a"},      {"HTTP_PROXY", "x"}};
    CHECK(head_of(Protocol::scgi, vars, {.body_end = BodyEnd::length, .length = 5}) ==
          nuls("56:CONTENT_LENGTH|5|SCGI|1|REQUEST_METHOD|POST|HTTP_HOST|a|,"));
    CHECK(head_of(Protocol::scgi, {{"A", "b"}}) ==
          nuls("28:CONTENT_LENGTH|0|SCGI|1|A|b|,"));
    CHECK(head_of(Protocol::scgi, vars, {.body_end = BodyEnd::unknown}) == "411");
    const std::string nul(
        "a\0CONTENT_LENGTH\0"
        "99",
        19);
    CHECK(head_of(Protocol::scgi, {{"A", nul}}) == "400");
    CHECK(head_of(Protocol::scgi, {{nul, "a"}}) == "400");
  }

  TEST_CASE("request writer: fastcgi") {
    const Vars vars = params_of(head_of(Protocol::fastcgi,
                                        with(kGet, {{"HTTP_PROXY", "x"},
                                                    {"CONTENT_LENGTH", "9"},
                                                    {"BIG", std::string(300, 'b')}}),
                                        {.body_end = BodyEnd::length, .length = 5}));
    CHECK(value(vars, "REQUEST_METHOD") == "GET");
    CHECK(value(vars, "CONTENT_LENGTH") == "5");
    CHECK(value(vars, "GATEWAY_INTERFACE") == "CGI/1.1");
    CHECK(value(vars, "REDIRECT_STATUS") == "200");
    CHECK(value(vars, "HTTP_PROXY") == "(none)");
    CHECK(value(vars, "SCRIPT_FILENAME") == "(none)");
    CHECK(value(vars, "BIG") == std::string(300, 'b'));
    const Vars big = params_of(
        head_of(Protocol::fastcgi, {{"A", std::string(65500, 'a')}, {"B", "b"}}));
    CHECK(value(big, "A").size() == 65500);
    CHECK(value(big, "B") == "b");
  }

  TEST_CASE("request writer: fastcgi finds the script below the root") {
    struct Row {
      std::string path;
      std::string file;
      std::string script;
      std::string info;
    };
    const std::vector<Param> params{{"DOCUMENT_ROOT", "/srv/www/"}};
    for (const Row& row :
         {Row{"/a.php", "/srv/www/a.php", "/a.php", ""},
          Row{"/", "/srv/www/index.php", "/index.php", ""},
          Row{"/b/", "/srv/www/b/index.php", "/b/index.php", ""},
          Row{"/a.php/c/d", "/srv/www/a.php", "/a.php", "/c/d"},
          Row{"/a.phpx/b", "/srv/www/a.phpx/b", "/a.phpx/b", ""},
          Row{"/a.php/../b.php", "/srv/www/a.php", "/a.php", "/../b.php"}}) {
      CAPTURE(row.path);
      const Vars vars = params_of(head_of(
          Protocol::fastcgi,
          with(changed(kGet, "PATH_INFO", row.path), {{"DOCUMENT_ROOT", "/other"}}), {},
          params));
      CHECK(value(vars, "SCRIPT_FILENAME") == row.file);
      CHECK(value(vars, "SCRIPT_NAME") == row.script);
      CHECK(value(vars, "PATH_INFO") == row.info);
      CHECK(value(vars, "DOCUMENT_ROOT") == "/srv/www/");
    }
    for (const std::string& path :
         {std::string("/../etc/a.php"), std::string("/b/.."), std::string("/a\0.php", 7)})
      CHECK(head_of(Protocol::fastcgi, changed(kGet, "PATH_INFO", path), {}, params) ==
            "400");
    const std::vector<Param> fixed{{"DOCUMENT_ROOT", "/srv"},
                                   {"SCRIPT_FILENAME", "/srv/front.php"}};
    const Vars vars = params_of(head_of(Protocol::fastcgi, kGet, {}, fixed));
    CHECK(value(vars, "SCRIPT_FILENAME") == "/srv/front.php");
    CHECK(value(vars, "PATH_INFO") == "/a");
    // Not every FastCGI program is php's.
    const Vars plain = params_of(
        head_of(Protocol::fastcgi, with(kGet, {{"DOCUMENT_ROOT", "/usr/share/html"}})));
    CHECK(value(plain, "SCRIPT_FILENAME") == "(none)");
    CHECK(value(plain, "PATH_INFO") == "/a");
  }

  TEST_CASE("request writer: a packet that is none") {
    RequestWriter writer(Protocol::http);
    std::string out;
    const std::string packet = packet_of(kGet);
    for (size_t size = 0; size < packet.size(); ++size) {
      CAPTURE(size);
      CHECK(writer.head(packet.substr(0, size), {}, out));
    }
    CHECK(writer.head(packet + "x", {}, out));
    for (const auto protocol :
         {Protocol::uwsgi, Protocol::http, Protocol::fastcgi, Protocol::scgi}) {
      const std::string broken("\0\5\0\0\1\0a\5\0", 9);
      CHECK(RequestWriter(protocol).head(broken, {}, out));
      CHECK(out.empty());
    }
  }

  TEST_CASE("request writer: bodies") {
    const auto body = [](Protocol protocol, const RequestShape& shape,
                         const std::vector<std::string>& pieces) {
      RequestWriter writer(protocol);
      std::string out;
      REQUIRE_FALSE(writer.head(packet_of(kGet), shape, out));
      out.clear();
      for (const std::string& piece : pieces)
        writer.body(piece, out);
      writer.end(out);
      return out;
    };
    const RequestShape five{.body_end = BodyEnd::length, .length = 5};
    const RequestShape unknown{.body_end = BodyEnd::unknown};
    CHECK(body(Protocol::http, five, {"he", "", "llo", "GET / HTTP/1.1"}) == "hello");
    CHECK(body(Protocol::http, {}, {"GET / HTTP/1.1"}).empty());
    CHECK(body(Protocol::http, unknown, {"he", "", "llo"}) ==
          "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    CHECK(body(Protocol::uwsgi, five, {"hello", "more"}) == "hello");
    CHECK(body(Protocol::scgi, five, {"hello"}) == "hello");
    CHECK(body(Protocol::fastcgi, unknown, {"hello"}) ==
          std::string("\1\5\0\1\0\5\3\0hello\0\0\0\1\5\0\1\0\0\0\0", 24));
    CHECK(body(Protocol::fastcgi, {}, {}) == std::string("\1\5\0\1\0\0\0\0", 8));
    const std::string large(200'000, 'x');
    CHECK(body(Protocol::fastcgi, unknown, {large}).size() == 200'000 + 4 * 8 + 8);
    CHECK(body(Protocol::http, unknown, {large}).size() == 200'000 + 3 * 8 + 7 + 5);
  }

  TEST_CASE("request writer: what was promised and what came") {
    RequestWriter writer(Protocol::http);
    std::string out;
    REQUIRE_FALSE(
        writer.head(packet_of(kGet), {.body_end = BodyEnd::length, .length = 3}, out));
    CHECK_FALSE(writer.body_is_whole());
    CHECK(writer.frame(2).taken == 2);
    CHECK_FALSE(writer.body_is_whole());
    CHECK(writer.frame(2).taken == 1);
    CHECK(writer.body_is_whole());
    CHECK(writer.frame(2).taken == 0);
  }

  TEST_CASE("request writer: who is told the end by half a close") {
    CHECK(RequestWriter(Protocol::uwsgi).half_closes());
    CHECK(RequestWriter(Protocol::scgi).half_closes());
    CHECK_FALSE(RequestWriter(Protocol::http).half_closes());
    CHECK_FALSE(RequestWriter(Protocol::fastcgi).half_closes());
  }

  TEST_CASE("request writer: a tunnel is not framed") {
    for (const auto protocol : {Protocol::http, Protocol::uwsgi}) {
      RequestWriter writer(protocol);
      std::string out;
      REQUIRE_FALSE(writer.head(packet_of(with(kGet, {{"HTTP_UPGRADE", "w"}})),
                                {.upgrade = true}, out));
      out.clear();
      CHECK(writer.body("frame", out) == 5);
      writer.end(out);
      CHECK(out == "frame");
      CHECK_FALSE(writer.half_closes());
    }
  }
}
