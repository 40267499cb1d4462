// The lifeline: what a vassal and the emperor say to each other (wire::Message verbs over
// a SOCK_SEQPACKET pair). Both sides ignore verbs they do not know.
#pragma once

namespace wire::lifeline {

// vassal -> emperor
inline constexpr char kHello[] = "hello";  ///< exec'd; fields: pid, version
inline constexpr char kReady[] =
    "ready";  ///< application loaded, workers forked and serving
inline constexpr char kFailed[] =
    "failed";  ///< cannot start; field: reason (one line). Then it exits with 22
inline constexpr char kDraining[] = "draining";  ///< takes no new request any more
inline constexpr char kHeartbeat[] =
    "heartbeat";  ///< it makes progress; the first one asks to be missed from then on
inline constexpr char kIdle[] = "idle";  ///< it had nothing to do and may be put to sleep
inline constexpr char kReloadMe[] =
    "reload-me";  ///< start a fresh generation; field: reason (one line)
inline constexpr char kRotateLog[] = "rotate-log";  ///< put my log away
inline constexpr char kReopenLog[] =
    "reopen-log";  ///< somebody put my log away, begin another
inline constexpr char kWorkerDied[] =
    "worker-died";  ///< fields: worker, reason ("signal 9 (Killed)", "harakiri")

// emperor -> vassal
inline constexpr char kDrain[] =
    "drain";  ///< finish what was taken, then exit 0; [replaced=1: a successor serves]
inline constexpr char kStop[] = "stop";  ///< exit now
/// Finish what was taken, then begin anew on the same sockets: what uWSGI's emperor asks
/// for. Ours starts another process instead.
inline constexpr char kReload[] = "reload";

/// Exit code of a vassal whose application did not load (uWSGI's UWSGI_FAILED_APP_CODE).
inline constexpr int kExitNoApp = 22;

}  // namespace wire::lifeline
