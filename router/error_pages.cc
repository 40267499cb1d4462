#include "router/error_pages.h"

#include <charconv>
#include <utility>

namespace router {

std::string ErrorPages::key(std::string_view domain, int status) {
  return std::to_string(status) + ' ' + std::string(domain);
}

bool ErrorPages::add(std::string_view domain,
                     int status,
                     std::string page,
                     const ErrorPageBounds& bounds) {
  if (page.size() > bounds.page_bytes || bytes_ + page.size() > bounds.all_bytes ||
      pages_.size() >= bounds.most_pages)
    return false;
  const size_t size = page.size();
  const auto [entry, is_new] = pages_.try_emplace(key(domain, status), std::move(page));
  if (is_new) bytes_ += size;
  return is_new;
}

const std::string* ErrorPages::exact(std::string_view domain, int status) const {
  const auto found = pages_.find(key(domain, status));
  return found == pages_.end() ? nullptr : &found->second;
}

const std::string* ErrorPages::find(std::string_view host, int status) const {
  if (pages_.empty()) return nullptr;
  if (!host.empty())
    if (const auto* page = exact(host, status)) return page;
  for (size_t dot = host.find('.'); dot != host.npos; dot = host.find('.', dot + 1))
    if (const auto* page = exact('*' + std::string(host.substr(dot)), status))
      return page;
  return exact("", status);
}

int status_of_page(std::string_view file_name) {
  constexpr std::string_view kSuffix = ".html";
  int status = 0;
  const auto [end, error] =
      std::from_chars(file_name.data(), file_name.data() + file_name.size(), status);
  const size_t digits = static_cast<size_t>(end - file_name.data());
  const bool good = error == std::errc{} && digits == 3 && status >= 400 &&
                    status < 600 && file_name.substr(digits) == kSuffix;
  return good ? status : 0;
}

}  // namespace router
