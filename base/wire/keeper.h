// The keeper's channel: what emperor and keeper say to each other (wire::Message verbs
// over a SOCK_SEQPACKET pair, descriptors beside).
#pragma once

namespace wire::keeper {

// emperor -> keeper
inline constexpr char kHold[] =
    "hold";  ///< name + 1 fd: keep a duplicate under that name (replaces)
inline constexpr char kRelease[] = "release";  ///< name: close it
inline constexpr char kFetch[] =
    "fetch";  ///< send me everything: `held` for each, then `held-end`
inline constexpr char kShutdown[] =
    "shutdown";  ///< I end on purpose: when I am gone, go too

inline constexpr char kNoted[] =
    "noted";                         ///< name = a pid: its exit is dealt with, forget it
inline constexpr char kUp[] = "up";  ///< the emperor's start succeeded

// keeper -> emperor
inline constexpr char kHeld[] = "held";  ///< name + 1 fd
inline constexpr char kHeldEnd[] = "held-end";
inline constexpr char kExited[] =
    "exited";  ///< pid, status (wait status): a child was reaped. The keeper is the
               ///< parent of every vassal and router (CLONE_PARENT)
inline constexpr char kReload[] =
    "reload";                            ///< the keeper got SIGHUP: reload every vassal
inline constexpr char kStop[] = "stop";  ///< the keeper got SIGTERM: shut everything down

}  // namespace wire::keeper
