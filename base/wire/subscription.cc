#include "base/wire/subscription.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/wire/uwsgi_packet.h"

namespace wire {

namespace {

constexpr size_t kLongestName = 255;
constexpr size_t kLongestNotify = 101;
constexpr size_t kLongestFingerprint = 64;
constexpr std::string_view kSign = "sign";
constexpr std::string_view kSshSign = "ssh-sign";
constexpr uint64_t kMostWeight = 1'000'000;  // sums of weights stay far from overflow

struct TextField {
  std::string_view key;
  std::string_view Subscription::* field;
  size_t most;
};
constexpr std::array<TextField, 7> kTexts{{
    {"key", &Subscription::key, kLongestName},
    {"address", &Subscription::address, kLongestName},
    {"algo", &Subscription::algo, kLongestName},
    {"proto", &Subscription::proto, kLongestName},
    {"notify", &Subscription::notify, kLongestNotify},
    {"ssh-user", &Subscription::ssh_user, kLongestName},
    {"ssh-key", &Subscription::ssh_key, kLongestFingerprint},
}};

struct NumberField {
  std::string_view key;
  uint64_t Subscription::* field;
};
constexpr std::array<NumberField, 4> kNumbers{{
    {"cores", &Subscription::cores},
    {"load", &Subscription::load},
    {"weight", &Subscription::weight},
    {"backup", &Subscription::backup},
}};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

const char* take_modifier(std::string_view text, uint8_t* into) {
  const auto value = number(text);
  if (!value || *value > 255) return "a modifier is not a number up to 255";
  *into = static_cast<uint8_t>(*value);
  return nullptr;
}

/// Null, or what is wrong.
const char* take(const Var& var, Subscription& out) {
  for (const TextField& text : kTexts) {
    if (var.key != text.key) continue;
    if (!(out.*text.field).empty()) return "a field is given twice";
    if (var.value.size() > text.most) return "a field is too long";
    out.*text.field = var.value;
    return nullptr;
  }
  for (const NumberField& field : kNumbers) {
    if (var.key != field.key) continue;
    const auto value = number(var.value);
    if (!value) return "a field is not a number";
    out.*field.field = *value;
    return nullptr;
  }
  if (var.key == "modifier1") return take_modifier(var.value, &out.modifier1);
  if (var.key == "modifier2") return take_modifier(var.value, &out.modifier2);
  if (var.key != "unix") return nullptr;
  out.unix_time = number(var.value);
  return out.unix_time ? nullptr : "the time is not a number";
}

}  // namespace

std::expected<Subscription, const char*> decode_subscription(std::string_view datagram) {
  const auto header = decode_header(datagram);
  if (!header || datagram.size() > kMaxSubscription ||
      header->total() != datagram.size() || header->modifier1 != kSubscriptionModifier)
    return std::unexpected("not a subscription packet");
  Subscription out;
  out.leave = header->modifier2 != 0;
  const std::string_view block = datagram.substr(kPacketHeader);
  VarReader vars(block);
  while (const auto var = vars.next()) {
    if (!out.signature.empty() || !out.ssh_signature.empty())
      return std::unexpected("the signature is not the last");
    if (var->key == kSign || var->key == kSshSign) {
      if (var->value.empty()) return std::unexpected("the signature is empty");
      (var->key == kSign ? out.signature : out.ssh_signature) = var->value;
      // The pair itself: two lengths of two bytes, the key and the value.
      const size_t at = static_cast<size_t>(var->key.data() - block.data()) - 2;
      out.signed_part = block.substr(0, at);
    } else if (const char* wrong = take(*var, out); wrong != nullptr) {
      return std::unexpected(wrong);
    }
  }
  if (vars.error() != nullptr) return std::unexpected(vars.error());
  if (out.key.empty()) return std::unexpected("it has no key");
  if (out.address.empty()) return std::unexpected("it has no address");
  out.weight = std::clamp<uint64_t>(out.weight, 1, kMostWeight);
  return out;
}

std::optional<std::string> encode_subscription(const Subscription& s) {
  PacketBuilder packet(kSubscriptionModifier, s.leave ? 1 : 0);
  bool fits = packet.add("key", s.key) && packet.add("address", s.address);
  for (const TextField& text : kTexts)
    if (text.key != "key" && text.key != "address" && !(s.*text.field).empty())
      fits = fits && packet.add(text.key, s.*text.field);
  for (const NumberField& field : kNumbers)
    fits = fits && packet.add(field.key, std::to_string(s.*field.field));
  fits = fits && packet.add("modifier1", std::to_string(s.modifier1)) &&
         packet.add("modifier2", std::to_string(s.modifier2));
  if (s.unix_time) fits = fits && packet.add("unix", std::to_string(*s.unix_time));
  if (!fits || packet.bytes().size() > kMaxSubscription) return std::nullopt;
  return packet.bytes();
}

std::string ssh_signed_text(bool leave, std::string_view part) {
  std::string text("imperium-subscription");
  text.push_back('\0');
  text.push_back(leave ? '1' : '0');
  return text.append(part);
}

std::string ssh_signed_text(std::string_view datagram) {
  const auto header = decode_header(datagram);
  return ssh_signed_text(header && header->modifier2 != 0,
                         datagram.substr(std::min(kPacketHeader, datagram.size())));
}

std::optional<std::string> with_ssh_signature(std::string_view datagram,
                                              std::string_view signature) {
  const auto header = decode_header(datagram);
  if (!header) return std::nullopt;
  PacketBuilder packet(header->modifier1, header->modifier2);
  VarReader vars(datagram.substr(kPacketHeader));
  bool fits = true;
  while (const auto var = vars.next())
    fits = fits && packet.add(var->key, var->value);
  fits = fits && packet.add(kSshSign, signature);
  if (!fits || vars.error() != nullptr || packet.bytes().size() > kMaxSubscription)
    return std::nullopt;
  return packet.bytes();
}

}  // namespace wire
