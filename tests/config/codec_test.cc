#include <string>

#include <doctest/doctest.h>

#include "vassal/read_result.h"
#include "vassal/settings_codec.h"

using vassal::Layers;
using vassal::ReadResult;

namespace {

Layers sample_layers() {
  Layers layers;
  layers.defaults = {{"processes", "2", {"/etc/defaults.ini", 3}}};
  layers.vassal = {{"uid", "alice", {"/v/a.ini", 2}},
                   {"base", std::string("b\0\n\xff", 4), {"/v/a.ini", 300}, true},
                   {"env", "", {"/v/more.ini", 0}},
                   {"x", std::string(300, 'x'), {"/v/a.ini", UINT32_MAX}}};
  layers.policy = {};
  layers.file = "/v/a.ini";
  layers.author = vassal::Author::tenant;
  return layers;
}

ReadResult sample_result() {
  ReadResult result;
  result.path = "/v/a.ini";
  result.files = {{"/v/a.ini", 1001, 100, 0640, 99, 1234, -5, "/v"},
                  {"/v/b.ini", 0, 0, 0644, 1, 2, 3, ""}};
  result.hash = 0xfedcba9876543210;
  result.settings = sample_layers().vassal;
  result.diagnostics = {{vassal::Diagnostic::Level::warning, {"/v/a.ini", 7}, "odd"}};
  return result;
}

}  // namespace

TEST_SUITE("config") {
  TEST_CASE("codec: layers come back as they were") {
    const Layers layers = sample_layers();
    const auto bytes = vassal::encode_layers(layers);
    REQUIRE(bytes);
    const auto back = vassal::decode_layers(*bytes);
    REQUIRE(back);
    CHECK(*back == layers);
    const auto empty = vassal::decode_layers(*vassal::encode_layers({}));
    REQUIRE(empty);
    CHECK(*empty == Layers{});
  }

  TEST_CASE("codec: every truncation and every trailing byte is an error") {
    const std::string bytes = *vassal::encode_layers(sample_layers());
    for (size_t n = 0; n < bytes.size(); ++n)
      CHECK_FALSE(vassal::decode_layers(bytes.substr(0, n)));
    CHECK_FALSE(vassal::decode_layers(bytes + '\0'));
    const std::string read = vassal::encode_read_result(sample_result());
    for (size_t n = 0; n < read.size(); ++n)
      CHECK_FALSE(vassal::decode_read_result(read.substr(0, n)));
    CHECK_FALSE(vassal::decode_read_result(read + '\0'));
  }

  TEST_CASE("codec: what any changed byte decodes to encodes to the same bytes again") {
    const std::string bytes = vassal::encode_read_result(sample_result());
    for (size_t at = 0; at < bytes.size(); ++at)
      for (int bit = 0; bit < 8; ++bit) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
        const auto result = vassal::decode_read_result(changed);
        // a file that is named again although it is the same as before decodes as well
        if (result) CHECK(vassal::encode_read_result(*result).size() <= changed.size());
      }
  }

  TEST_CASE(
      "codec: counts that promise more than there is are refused without reserving it") {
    vassal::Encoder out;
    out.text("imp-layers-1\n");
    out.text("");
    out.number(0);
    out.number(uint64_t{1} << 62);
    CHECK_FALSE(vassal::decode_layers(out.bytes()));
  }

  TEST_CASE("codec: numbers have one form and 64 bits") {
    for (uint64_t n :
         {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{300}, UINT64_MAX}) {
      vassal::Encoder out;
      out.number(n);
      vassal::Decoder in(out.bytes());
      CHECK(in.number() == n);
      CHECK(in.finished());
    }
    for (const std::string& bad :
         {std::string("\x80\x00", 2), std::string(10, '\xff') + '\x01',
          std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10)}) {
      vassal::Decoder in(bad);
      in.number();
      CHECK_FALSE(in.ok());
    }
  }

  TEST_CASE("codec: nothing larger than the bound is made") {
    Layers layers;
    layers.vassal.assign(20, {"x", std::string(65536, 'x'), {"/v/a.ini", 1}});
    const auto bytes = vassal::encode_layers(layers);
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error().is(std::errc::file_too_large));
    ReadResult result = sample_result();
    result.settings = layers.vassal;
    const auto back = vassal::decode_read_result(vassal::encode_read_result(result));
    REQUIRE(back);
    CHECK(back->settings.empty());
    REQUIRE(back->first_error() != nullptr);
    CHECK(back->first_error()->message() == "/v/a.ini: the settings are too large");
    CHECK(back->files.size() == 1);
  }

  TEST_CASE("codec: a result comes back as it was") {
    const auto back =
        vassal::decode_read_result(vassal::encode_read_result(sample_result()));
    REQUIRE(back);
    CHECK(*back == sample_result());
  }

  TEST_CASE("result stream: whole, byte by byte and cut in two gives the same results") {
    ReadResult second = sample_result();
    second.path = "/v/second.ini";
    const std::string bytes = vassal::framed(sample_result()) + vassal::framed(second);
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      vassal::ReadResultStream stream;
      std::vector<ReadResult> all;
      for (const auto& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
        auto some = stream.feed(part);
        REQUIRE(some);
        for (auto& r : *some)
          all.push_back(std::move(r));
      }
      REQUIRE(all.size() == 2);
      CHECK(all[0] == sample_result());
      CHECK(all[1] == second);
      CHECK(stream.clean());
    }
    vassal::ReadResultStream stream;
    size_t seen = 0;
    for (const char c : bytes)
      seen += stream.feed({&c, 1})->size();
    CHECK(seen == 2);
  }

  TEST_CASE("result stream: a length beyond the bound and damaged bytes are errors") {
    vassal::ReadResultStream stream;
    CHECK_FALSE(stream.feed("\xff\xff\xff\xff"));
    vassal::ReadResultStream other;
    CHECK_FALSE(other.feed(std::string("\x03\0\0\0abc", 7)));
    vassal::ReadResultStream cut;
    REQUIRE(cut.feed(vassal::framed(sample_result()).substr(0, 20)));
    CHECK_FALSE(cut.clean());
  }

  TEST_CASE("hash: FNV-1a as published, and continued") {
    CHECK(vassal::fnv1a("") == 0xcbf29ce484222325);
    CHECK(vassal::fnv1a("a") == 0xaf63dc4c8601ec8c);
    CHECK(vassal::fnv1a("foobar") == 0x85944171f73967e8);
    CHECK(vassal::fnv1a("bar", vassal::fnv1a("foo")) == vassal::fnv1a("foobar"));
  }
}
