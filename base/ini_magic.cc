#include "base/ini_magic.h"

#include <bit>
#include <cctype>
#include <optional>

#include <fmt/core.h>

namespace base {

namespace {

std::string_view directory_of(std::string_view path) {  // with its trailing slash
  return path.substr(0, path.rfind('/') + 1);
}
std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view stem_of(std::string_view path) {
  const auto name = name_of(path);
  return name.substr(0, name.rfind('.'));
}
std::string_view extension_of(std::string_view path) {
  const auto name = name_of(path);
  const auto dot = name.rfind('.');
  return dot == name.npos ? std::string_view() : name.substr(dot + 1);
}
std::string_view last_directory_of(std::string_view path) {
  auto directory = directory_of(path);
  if (!directory.empty()) directory.remove_suffix(1);
  return name_of(directory);
}

std::string_view directory_part(std::string_view path, int number) {
  auto rest = directory_of(path);
  for (int i = 0; !rest.empty(); ++i) {
    rest.remove_prefix(1);
    const auto part = rest.substr(0, rest.find('/'));
    if (i == number) return part;
    rest.remove_prefix(part.size());
  }
  return {};
}

/// djb33x of the text, its bytes as they stand in memory, in hex: what uWSGI prints.
std::string djb33x(std::string_view text) {
  uint32_t hash = 5381;
  for (const char c : text)
    hash = ((hash << 5) + hash) ^ static_cast<unsigned char>(c);
  return fmt::format("{:08X}", std::byteswap(hash));
}

/// The letters that speak of a file; nothing for any other.
std::optional<std::string> about_file(char lower, const MagicFile& file) {
  switch (lower) {
    case 'p':
      return file.path;
    case 's':
      return std::string(name_of(file.path));
    case 'd':
      return std::string(directory_of(file.path));
    case 'e':
      return std::string(extension_of(file.path));
    case 'n':
      return std::string(stem_of(file.path));
    case 'c':
      return std::string(last_directory_of(file.path));
    case 'x':
      return file.section;
    case 'i':
      return std::to_string(file.inode);
    case 'j':
      return djb33x(file.path);
    case 'o':
      return file.given;
    default:
      return std::nullopt;
  }
}

std::optional<std::string> about_world(char letter, const IniWorld& world) {
  switch (letter) {
    case 'v':
      return world.cwd;
    case 'b':
      return world.binary;
    case 'h':
      return world.host_name;
    case 't':
      return std::to_string(world.unix_time_us / 1'000'000);
    case 'T':
      return std::to_string(world.unix_time_us);
    case 'V':
      return world.version;
    case 'k':
      return std::to_string(world.cpus);
    case 'u':
      return std::to_string(world.uid);
    case 'U':
      return world.user;
    case 'g':
      return std::to_string(world.gid);
    case 'G':
      return world.group;
    case '[':
      return "\x1b";
    case '%':
      return "%";
    default:
      return std::nullopt;
  }
}

char lower_case(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

std::optional<std::string> value_of(const Magic& magic, char letter) {
  if (auto value = about_world(letter, magic.world)) return value;
  if (letter >= '0' && letter <= '9')
    return std::string(directory_part(magic.file.path, letter - '0'));
  const MagicFile& file = is_upper(letter) ? magic.top : magic.file;
  auto value = about_file(lower_case(letter), file);
  if (value && is_upper(letter) && magic.world.for_many)
    return fmt::format("%(:{})", letter);
  return value;
}

}  // namespace

const std::string* IniWorld::variable(std::string_view name) const {
  for (const auto& [key, value] : environment)
    if (key == name) return &value;
  return nullptr;
}

std::string Magic::apply(std::string_view text, std::string* erased) const {
  size_t at = text.find('%');
  if (at == text.npos) return std::string(text);
  std::string out;
  for (size_t from = 0; from < text.size(); at = text.find('%', from)) {
    out += text.substr(from, at - from);
    if (at == text.npos) break;
    const char letter = at + 1 < text.size() ? text[at + 1] : ' ';
    from = at + 2;
    if (letter == '(' || letter == ' ' || letter == '\t') {
      out += '%';
      from = at + 1;
    } else if (const auto value = value_of(*this, letter)) {
      out += *value;
    } else if (erased != nullptr) {
      *erased += letter;
    }
  }
  return out;
}

std::string bind_capitals(std::string_view text,
                          const IniWorld& world,
                          const MagicFile& top) {
  std::string out;
  const IniWorld known = [&] {
    IniWorld w = world;
    w.for_many = false;
    return w;
  }();
  const Magic magic{known, top, top};
  for (size_t from = 0; from < text.size();) {
    const size_t at = text.find("%(:", from);
    out += text.substr(from, at - from);
    if (at == text.npos) break;
    const bool whole = at + 4 < text.size() && text[at + 4] == ')';
    const auto value = whole ? value_of(magic, text[at + 3]) : std::nullopt;
    out += value ? *value : "%(:";
    from = at + (value ? 5 : 3);
  }
  return out;
}

}  // namespace base
