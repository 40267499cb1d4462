#include "router/cgi_params.h"

#include <algorithm>
#include <array>

namespace router {

namespace {

constexpr Refusal kBadPath{400, "The path of the request is not valid."};
constexpr size_t kUsualVars = 64;

/// Whether a segment of it goes up, or a NUL ends it early.
bool is_risky(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return true;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    if (path.substr(0, slash) == "..") return true;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return false;
}

/// How much of a path names the script: up to the first ".php" that ends a segment.
size_t script_size(std::string_view path) {
  constexpr std::string_view kSuffix = ".php";
  for (size_t at = path.find(kSuffix); at != std::string_view::npos;
       at = path.find(kSuffix, at + 1)) {
    const size_t end = at + kSuffix.size();
    if (end == path.size() || path[end] == '/') return end;
  }
  return path.size();
}

}  // namespace

std::optional<Refusal> CgiParams::read(std::string_view block,
                                       const RequestShape& shape,
                                       std::span<const Param> params) {
  const auto is_fixed = [&](std::string_view key) {
    return std::ranges::any_of(params, [&](const Param& p) { return p.name == key; });
  };
  vars_.reserve(kUsualVars);
  wire::VarReader vars(block);
  while (const auto var = vars.next())
    if (var->key != "CONTENT_LENGTH" && !is_fixed(var->key)) vars_.push_back(*var);
  if (vars.error() != nullptr) return refusals::kMalformed;
  for (const Param& param : params) {
    if (param.name != "CONTENT_LENGTH") vars_.push_back({param.name, param.value});
    if (param.name == "DOCUMENT_ROOT") root_ = param.value;
  }
  if (shape.body_end == BodyEnd::length) length_ = std::to_string(shape.length);
  return std::nullopt;
}

void CgiParams::clean() {
  constexpr std::array<std::string_view, 3> kLeftOut{
      "HTTP_PROXY", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH"};
  size_t kept = 0;
  for (const wire::Var& var : vars_) {
    if (std::ranges::find(kLeftOut, var.key) != kLeftOut.end()) continue;
    const auto end = vars_.begin() + static_cast<ptrdiff_t>(kept);
    const auto same = std::find_if(
        vars_.begin(), end, [&](const auto& other) { return other.key == var.key; });
    if (same == end)
      vars_[kept++] = var;
    else if (!var.value.empty())
      same->value = var.value;
  }
  vars_.resize(kept);
}

std::optional<Refusal> CgiParams::complete_for_fastcgi() {
  const std::array<wire::Var, 3> defaults{{{"GATEWAY_INTERFACE", "CGI/1.1"},
                                           {"SERVER_SOFTWARE", "imperium"},
                                           {"REDIRECT_STATUS", "200"}}};
  for (const wire::Var& var : defaults)
    if (value_of(var.key).empty()) set(var.key, var.value);
  if (root_.empty() || !value_of("SCRIPT_FILENAME").empty()) return std::nullopt;
  return find_script(root_);
}

std::optional<Refusal> CgiParams::find_script(std::string_view root) {
  std::string_view path = value_of("SCRIPT_NAME");
  if (path.empty()) {
    path = value_of("PATH_INFO");
    const size_t size = script_size(path);
    script_ = path.substr(0, size);
    if (script_.empty() || script_.ends_with('/')) script_ += "index.php";
    set("PATH_INFO", path.substr(size));
  } else {
    script_ = path;
  }
  if (is_risky(script_)) return kBadPath;
  file_ = root;
  while (file_.ends_with('/'))
    file_.pop_back();
  if (!script_.starts_with('/')) script_.insert(0, 1, '/');
  file_ += script_;
  set("SCRIPT_NAME", script_);
  set("SCRIPT_FILENAME", file_);
  return std::nullopt;
}

std::string_view CgiParams::value_of(std::string_view key) const {
  const auto var = std::ranges::find(vars_, key, &wire::Var::key);
  return var == vars_.end() ? std::string_view() : var->value;
}

void CgiParams::set(std::string_view key, std::string_view value) {
  const auto var = std::ranges::find(vars_, key, &wire::Var::key);
  if (var == vars_.end())
    vars_.push_back({key, value});
  else
    var->value = value;
}

}  // namespace router
