// The emperor's own settings out of a file (`--config`): an [emperor] section, or a
// [uwsgi] section as uWSGI's emperor has it, with the whole dialect: placeholders,
// includes, logic.
#pragma once

#include <string>
#include <vector>

#include "emperor/options.h"

namespace emperor {

/// Applies the file's settings, those of [uwsgi] first. In [emperor] an unknown key is a
/// fault; in [uwsgi], which may have been written for another program, a note.
void apply_file(const std::string& path, Options* options, OptionFaults* faults);

}  // namespace emperor
