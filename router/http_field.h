// Words about header fields that requests and answers share (RFC 9110, 5 and 7.6.1).
// Pure.
#pragma once

#include <string_view>

namespace router {

/// One or more of the characters that a field name or a method is made of.
bool is_token(std::string_view text);
/// Without the spaces and tabs around it.
std::string_view trimmed(std::string_view text);
/// Whether it can stand behind a field name: no control byte but the tab, so that it
/// never becomes a second field or a second message.
bool is_field_value(std::string_view text);
/// Fields that speak of one connection only, besides what its Connection field names.
/// Transfer-Encoding is not among them: who removes it has to change the body.
bool is_of_this_hop(std::string_view name);
/// Whether `name` is an element of a comma-separated list, like the one of Connection.
bool lists(std::string_view list, std::string_view name);

}  // namespace router
