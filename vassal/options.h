// The options of a vassal's file, declared in one table: uWSGI's names and this project's
// own. From it come parsing, `check`, `explain`, the nearest known name and the
// reference.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/options.h"
#include "vassal/build.h"

namespace vassal {

using OptionTable = base::OptionTable<ConfigBuild>;

/// The whole table.
const OptionTable& option_table();

/// The options that are honoured or mapped.
std::span<const Row> served_rows();
/// uWSGI's options that are ignored, without effect, or refused, each with its reason.
std::span<const Row> other_rows();
/// A name that uWSGI knows and the table does not.
bool is_uwsgi_name(std::string_view name);

/// The reference of all options, as Markdown.
std::string option_reference();

}  // namespace vassal
