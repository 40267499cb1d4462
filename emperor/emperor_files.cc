// The emperor's files: what the sources list becomes configurations, or reasons why not.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "emperor/emperor.h"
#include "emperor/trust.h"
#include "vassal/address.h"
#include "vassal/layers.h"
#include "vassal/read_result.h"
#include "vassal/settings_codec.h"

namespace emperor {

namespace {

Ownership ownership_of(const std::string& path, const struct stat& s) {
  return {path, s.st_uid, s.st_mode};
}

/// A directory further up that others may change: they could put another one in its
/// place.
std::optional<std::string> distrust_above(const Ownership& directory, uid_t self) {
  const std::string loose = base::loose_directory(directory.path, self);
  if (loose.empty()) return std::nullopt;
  return directory.path + " is not safe: others may change " + loose +
         ": give it to root and chmod go-w it, or set trusted = true";
}

/// The owner of the file is the user of the vassal, whatever stands in it.
/// Tells a file with subscriptions which of them are claims at this machine's router.
/// With an address for subscriptions it is clear which router is meant; without one, a
/// subscription to this machine meant the router that ours took the place of.
void add_own_routers(const Options& options, vassal::Layers* layers) {
  const auto subscribes = [](const base::Setting& s) {
    return s.key.starts_with("subscribe") || s.key == "st";
  };
  const auto has = [&](const auto& layer) {
    return std::ranges::any_of(layer, subscribes);
  };
  if (!has(layers->defaults) && !has(layers->vassal) && !has(layers->policy)) return;
  std::vector<std::string> own = options.router_subscriptions;
  own.insert(own.end(), options.router_uwsgi.begin(), options.router_uwsgi.end());
  own.insert(own.end(), options.router_http.begin(), options.router_http.end());
  if (own.empty())
    own.emplace_back(vassal::kNoRouter);
  else if (options.router_subscriptions.empty())
    own.emplace_back(vassal::kLocalRouter);
  for (const std::string& address : own)
    layers->policy.push_back({"own-router", address, {vassal::kOperatorOrigin, 0}});
}

void apply_tyranny(const Known& known, vassal::Layers* layers) {
  const base::Origin origin{"tyrant", 0};
  layers->author = vassal::Author::tenant;
  layers->policy.push_back({"uid", std::to_string(known.reader), origin});
  layers->policy.push_back({"gid", std::to_string(known.reader_gid), origin});
  layers->policy.push_back({"no-initgroups", "true", origin});
}

}  // namespace

void Emperor::scan(size_t source) {
  const auto listing = sources_[source]->snapshot();
  std::unordered_map<std::string_view, const Listed*> by_path;
  for (const auto& listed : listing)
    by_path[listed.path] = &listed;
  for (const auto& change : reconcile(listing, source, roster_.files)) {
    const auto found = by_path.find(change.path);
    apply_change(change, found == by_path.end() ? nullptr : found->second);
  }
}

void Emperor::look_at(size_t source, const std::string& path) {
  const auto listed = sources_[source]->look(path);
  if (const auto change = reconcile_one(path, listed, roster_.files))
    apply_change(*change, listed ? &*listed : nullptr);
}

void Emperor::apply_change(const Change& change, const Listed* listed) {
  if (change.kind == Change::Kind::removed)
    file_is_gone(change.path);
  else if (listed != nullptr)
    read_file(*listed);
}

void Emperor::read_file(const Listed& listed) {
  Known& known = roster_.files[listed.path];
  known.source = listed.source;
  known.name = listed.name;
  known.identity = listed.identity;
  uid_t uid = 0;
  gid_t gid = 0;
  if (const auto why = judge(listed.path, &uid, &gid)) {
    known.identity =
        {};  // chmod of a directory cures it without touching the file: look again
    file_is_broken(listed.path, *why);
    return;
  }
  known.reader = uid;
  known.reader_gid = gid;
  std::error_code error;
  const bool tenants =
      options_.tyrant && !std::filesystem::is_symlink(listed.path, error);
  reader_.request(listed.path, uid, gid,
                  tenants ? base::Links::refuse : base::Links::follow);
}

/// Why the file must not even be read; else whose ids read it.
std::optional<std::string> Emperor::judge(const std::string& path,
                                          uid_t* uid,
                                          gid_t* gid) const {
  struct stat s{};
  const bool printable_name = base::printable(path) == path;
  if (!printable_name) return "its name has unusual characters";
  if (::stat(path.c_str(), &s) != 0)
    return path + ": " + base::fail_errno("").error().code.message();
  struct stat link{};
  if (::lstat(path.c_str(), &link) != 0)
    return path + ": " + base::fail_errno("").error().code.message();
  // Whoever made a link reads through it: one of a tenant's to root's files gets no
  // further than he.
  const struct stat& owner = S_ISLNK(link.st_mode) && link.st_uid != 0 ? link : s;
  *uid = owner.st_uid;
  *gid = owner.st_gid;
  if (::geteuid() != 0) {
    *uid = ::geteuid();
    *gid = ::getegid();
  }
  if (options_.trusted && !options_.tyrant) return std::nullopt;
  const auto directory = directory_of(path);
  if (!directory) return path + ": its directory is gone";
  if (options_.tyrant)
    return distrust_tyrant(ownership_of(path, s), S_ISLNK(link.st_mode), *directory,
                           ::geteuid());
  if (auto why = distrust(ownership_of(path, s), *directory, ::geteuid())) return why;
  return distrust_above(*directory, ::geteuid());
}

/// The same once more about what was really opened: a name may mean another file by now,
/// and an included file counts as much as the first.
std::optional<std::string> Emperor::distrust_read(
    const vassal::ReadResult& result) const {
  const auto known = roster_.files.find(result.path);
  const uid_t reader = known == roster_.files.end() ? 0 : known->second.reader;
  if (options_.tyrant) {
    // Whoever is read as somebody must be read out of that one's own file.
    const bool own = !result.files.empty() && result.files.front().uid == reader;
    return own ? std::nullopt : std::optional(result.path + " changed hands, look again");
  }
  for (const auto& fact : result.files) {
    if (auto why = distrust_opened({fact.path, fact.uid, fact.mode}, reader, ::geteuid()))
      return why;
    if (options_.trusted) continue;
    const auto directory = directory_of(fact.path);
    if (!directory) return fact.path + ": its directory is gone";
    const Ownership file{fact.path, fact.uid, fact.mode | S_IFREG};
    if (auto why = distrust(file, *directory, ::geteuid())) return why;
    if (auto why = distrust_above(*directory, ::geteuid())) return why;
  }
  return std::nullopt;
}

void Emperor::on_read(vassal::ReadResult result) {
  const auto known = roster_.files.find(result.path);
  if (stopping_ || known == roster_.files.end()) return;
  // Nothing was opened: the file may be as good as ever (the machine was busy), so look
  // again.
  if (result.files.empty()) known->second.identity = {};
  if (const auto* error = result.first_error())
    return file_is_broken(result.path, error->message());
  if (const auto why = distrust_read(result)) return file_is_broken(result.path, *why);

  vassal::Layers layers;
  layers.file = result.path;
  std::erase_if(result.settings, [](const base::Setting& setting) {
    return setting.origin.file == vassal::kPresetOrigin;  // they stand in the defaults
  });
  layers.vassal = std::move(result.settings);
  layers.defaults = vassal::fit_layer(defaults_, result.path, layers.vassal,
                                      vassal::Placeholders::from_vassal);
  for (auto& setting :
       vassal::fit_settings(options_.vassal_settings, result.path, layers.vassal))
    layers.defaults.push_back(std::move(setting));
  layers.policy = vassal::fit_layer(policy_, result.path, layers.vassal,
                                    vassal::Placeholders::own_only);
  add_own_routers(options_, &layers);
  if (options_.tyrant) apply_tyranny(known->second, &layers);
  auto parsed = vassal::make_config(layers, vassal::system_names());
  if (const auto* error = parsed.first_error())
    return file_is_broken(result.path, error->message());
  if (const auto why = refuse_identity(parsed.config))
    return file_is_broken(result.path, result.path + ": " + *why);
  auto encoded = vassal::encode_layers(layers);
  if (!encoded)
    return file_is_broken(result.path, result.path + ": " + encoded.error().message());

  auto configuration = std::make_shared<Configuration>();
  configuration->config = std::move(parsed.config);
  configuration->diagnostics = std::move(result.diagnostics);
  configuration->diagnostics.insert(configuration->diagnostics.end(),
                                    parsed.diagnostics.begin(), parsed.diagnostics.end());
  configuration->encoded = *std::move(encoded);
  fit_to_us(&configuration->config);
  file_is_good(result.path, std::move(configuration));
}

uint64_t Emperor::hash_of_rules() const {
  vassal::Encoder e;
  e.settings(defaults_);
  e.settings(policy_);
  for (const auto& [key, value] : options_.vassal_settings)
    e.text(key), e.text(value);
  e.text(options_.on_demand_extension);
  for (const auto& address : options_.router_subscriptions)
    e.text(address);
  for (const bool flag : {options_.trusted, options_.tyrant, options_.allow_root_vassals})
    e.number(flag ? 1 : 0);
  return vassal::fnv1a(e.bytes());
}

/// Without privileges everybody is whoever we are. The socket of a command with hosts is
/// for the router's group, too, unless its file says whose it is.
void Emperor::fit_to_us(vassal::VassalConfig* config) const {
  if (::geteuid() != 0) {
    config->uid.reset();
    config->gid.reset();
    return;
  }
  const bool said = config->chmod_socket || !config->chown_socket.empty();
  if (said || config->domains.empty() || config->command.empty()) return;
  config->chown_socket = ":" + options_.router_gid;
  config->chmod_socket = 0660;
}

std::optional<std::string> Emperor::refuse_identity(
    const vassal::VassalConfig& config) const {
  if (::geteuid() != 0 || options_.allow_root_vassals) return std::nullopt;
  if (!config.uid)
    return "no uid: a vassal does not run as root: add uid = USER (and gid = GROUP)";
  if (*config.uid == 0)
    return "uid = root is refused: name another user, or set allow-root-vassals";
  if (config.gid && *config.gid == 0)
    return "gid = root is refused: name another group, or set allow-root-vassals";
  return std::nullopt;
}

Vassal* Emperor::vassal_of(const std::string& path) {
  const auto name = names_.find(path);
  return name == names_.end() ? nullptr : roster_.find(name->second);
}

Vassal* Emperor::add_vassal(const std::string& path) {
  const Known& known = roster_.files[path];
  const Listed listed{path, base::printable(known.name), known.source, known.identity};
  const auto taken = [&](const std::string& name) {
    return roster_.find(name) != nullptr;
  };
  Vassal& vassal = roster_.add(unique_name(listed, taken));
  vassal.path = path;
  vassal.source = known.source;
  names_[path] = vassal.name;
  return &vassal;
}

void Emperor::file_is_broken(const std::string& path, const std::string& why) {
  Vassal* vassal = vassal_of(path);
  if (vassal == nullptr) vassal = add_vassal(path);
  const std::string line = base::printable(why, 1000);
  if (vassal->file_error == line && !vassal->life.removed()) return;
  vassal->file_error = line;
  vassal->last_error = line;
  log_.warn("vassal {}: rejected {}", vassal->name, line);
  happen(*vassal, Event::broken);
}

void Emperor::file_is_good(const std::string& path,
                           std::shared_ptr<const Configuration> configuration) {
  Vassal* vassal = vassal_of(path);
  if (vassal == nullptr) vassal = add_vassal(path);
  const bool same = vassal->configuration &&
                    vassal->configuration->encoded == configuration->encoded &&
                    vassal->life.state() != State::rejected && !vassal->life.removed();
  if (same) {
    if (vassal->last_error == vassal->file_error) vassal->last_error.clear();
    vassal->file_error.clear();
    return;
  }
  for (const auto& diagnostic : configuration->diagnostics)
    if (diagnostic.level == vassal::Diagnostic::Level::warning)
      log_.warn("vassal {}: {}", vassal->name,
                base::printable(diagnostic.message(), 1000));
  vassal->file_error.clear();
  vassal->last_error.clear();
  vassal->name_counts = name_counts(path);
  vassal->configuration = std::move(configuration);
  if (!vassal->channel_send && !vassal->configuration->config.start_lazy) {
    if (auto made = launcher_.make_channel(*vassal); !made)
      return file_is_broken(path, made.error().message());
  }
  router_.vassal_changed(vassal->id);
  const std::string name = vassal->name;
  happen(*vassal, change_of(*vassal));
  // Hosts that it held before it was known (saved claims) are no change, but news to the
  // router.
  if (roster_.find(name) == nullptr) return;
  for (const auto& host : vassal->configuration->config.domains)
    if (claims_.holder(host) == name) router_.route_changed(host);
}

void Emperor::file_is_gone(const std::string& path) {
  roster_.files.erase(path);
  if (Vassal* vassal = vassal_of(path)) {
    log_.info("vassal {}: its file is gone file={}", vassal->name,
              base::printable(path, 1024));
    happen(*vassal, Event::removed);
  }
}

}  // namespace emperor
