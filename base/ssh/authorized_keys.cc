#include "base/ssh/authorized_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "base/ssh/wire.h"

namespace ssh {

namespace {

constexpr size_t kLongestLine = 16 * 1024;
constexpr size_t kMostSkipped = 100;
constexpr size_t kMostHosts = 100;
constexpr std::string_view kSpace = " \t";

void skip_space(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
}

std::string_view take_word(std::string_view& text) {
  const size_t end = std::min(text.find_first_of(kSpace), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  skip_space(text);
  return word;
}

/// A word that can only be the type of a key, ours or not.
bool is_key_type(std::string_view word) {
  constexpr std::array<std::string_view, 4> kBeginnings{"ssh-", "ecdsa-", "sk-ssh-",
                                                        "sk-ecdsa-"};
  return std::ranges::any_of(
      kBeginnings, [&](std::string_view begin) { return word.starts_with(begin); });
}

struct LineOption {
  std::string name;
  std::optional<std::string> value;
};

/// One option off the front, with its `="value"` if it has one; a quote in it is written
/// \". Nothing if the quotes do not end.
std::optional<LineOption> take_option(std::string_view& text) {
  LineOption option;
  const size_t end = std::min(text.find_first_of("=, \t\""), text.size());
  option.name = std::string(text.substr(0, end));
  text.remove_prefix(end);
  if (!text.starts_with('=')) return option;
  text.remove_prefix(1);
  if (!text.starts_with('"')) return std::nullopt;
  text.remove_prefix(1);
  option.value.emplace();
  while (!text.empty() && !text.starts_with('"')) {
    if (text.starts_with("\\\"")) text.remove_prefix(1);
    option.value->push_back(text.front());
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return option;
}

std::vector<std::string> split_hosts(std::string_view text) {
  std::vector<std::string> hosts;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) hosts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return hosts;
}

/// The options in front of a key; an error if one of them is not for us.
base::Result<> take_options(std::string_view& text, AuthorizedKey& out) {
  for (;;) {
    const auto option = take_option(text);
    if (!option || option->name.empty()) return base::fail("its options are malformed");
    if (option->name != "hosts" || !option->value)
      return base::fail("its option " + base::printable(option->name, 40) +
                        " is not taken");
    if (out.hosts) return base::fail("its option hosts is given twice");
    out.hosts = split_hosts(*option->value);
    if (out.hosts->size() > kMostHosts) return base::fail("it names too many hosts");
    if (text.empty() || kSpace.find(text.front()) != kSpace.npos) break;
    if (text.front() != ',') return base::fail("its options are malformed");
    text.remove_prefix(1);
  }
  skip_space(text);
  return {};
}

base::Result<AuthorizedKey> parse_line(std::string_view line) {
  if (line.size() > kLongestLine) return base::fail("it is too long");
  AuthorizedKey out;
  const auto first = line.substr(0, std::min(line.find_first_of(kSpace), line.size()));
  if (!is_key_type(first)) TRY(take_options(line, out));
  const std::string_view type = take_word(line);
  const std::string_view text = take_word(line);
  if (!is_key_type(type)) return base::fail("there is no key in it");
  if (type != name_of(KeyType::ed25519) && type != name_of(KeyType::rsa))
    return base::fail("keys of type " + base::printable(type, 40) + " are not taken");
  const auto blob = decode_base64(text);
  if (!blob) return base::fail("its key is no base64");
  TRY_ASSIGN(out.key, parse_public_key(*blob));
  if (type != name_of(out.key.type)) return base::fail("its key is of another type");
  return out;
}

}  // namespace

AuthorizedKeys parse_authorized_keys(std::string_view text) {
  AuthorizedKeys out;
  const auto skip = [&](size_t line, std::string reason) {
    if (out.skipped.size() < kMostSkipped)
      out.skipped.push_back({line, std::move(reason)});
  };
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    skip_space(line);
    if (line.empty() || line.starts_with('#')) continue;
    auto key = parse_line(line);
    if (!key) {
      skip(number, key.error().message());
    } else if (out.keys.size() >= kMostAuthorizedKeys) {
      skip(number, "there are too many keys");
      break;
    } else {
      key->line = number;
      out.keys.push_back(*std::move(key));
    }
  }
  return out;
}

}  // namespace ssh
