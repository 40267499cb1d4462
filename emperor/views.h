// Views: what emperorctl is shown, as JSON text.
#pragma once

#include <string>

#include "emperor/claims.h"
#include "emperor/record.h"
#include "vassal/explain.h"

namespace emperor {

/// `ls`: an array with one object per vassal.
std::string list_json(const Roster& roster, const Claims& claims);
/// `show NAME`: the same object with more in it.
std::string show_json(const Vassal& vassal, const Claims& claims);
/// `routes`: host, vassal, state.
std::string routes_json(Roster& roster, const Claims& claims);
/// `explain`: an array with one object per effective value.
std::string explained_json(const std::vector<vassal::Explained>& values);
/// {"key": value}
std::string pair_json(const std::string& key, const std::string& value);
std::string pair_json(const std::string& key, uint64_t value);
/// `status`: the emperor itself.
std::string status_json(size_t vassals, pid_t keeper);

/// Claims as they are saved in the run directory, and back. What cannot be read is no
/// claim; how many those were.
std::string claims_json(const Claims& claims);
size_t restore_claims(const std::string& saved, Claims* claims);

}  // namespace emperor
