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
inline constexpr char kStopping[] =
    "stopping";  ///< I begin to shut down: nobody takes my place any more, and if I die,
                 ///< the next one is to stop, too
inline constexpr char kShutdown[] =
    "shutdown";  ///< I end on purpose: when I am gone, go too
inline constexpr char kNoted[] =
    "noted";                         ///< name = a pid: its exit is dealt with, forget it
inline constexpr char kUp[] = "up";  ///< the emperor's start succeeded
inline constexpr char kUpgrade[] = "upgrade";  ///< put a new emperor, from the program as
                                               ///< it is installed now, in my place
inline constexpr char kLeft[] =
    "left";  ///< all I knew is yours; I do nothing any more, and wait for `bye`
inline constexpr char kPong[] = "pong";

// candidate -> keeper: an emperor that is not one yet
inline constexpr char kCan[] = "can";        ///< I have read the state and could go on
inline constexpr char kCannot[] = "cannot";  ///< reason

// emperor -> a keeper that takes a dead one's place
inline constexpr char kTaken[] =
    "taken";  ///< after `hold` for everything: it is yours now; pid: the emperor's
inline constexpr char kRefused[] = "refused";  ///< reason: there is a keeper

// keeper -> emperor
inline constexpr char kHeld[] = "held";  ///< name + 1 fd
inline constexpr char kHeldEnd[] = "held-end";
inline constexpr char kExited[] =
    "exited";  ///< pid, status (wait status): a child was reaped. The keeper is the
               ///< parent of every vassal and router (CLONE_PARENT)
inline constexpr char kReload[] =
    "reload";                            ///< the keeper got SIGHUP: reload every vassal
inline constexpr char kStop[] = "stop";  ///< the keeper got SIGTERM: shut everything down
inline constexpr char kLeave[] =
    "leave";  ///< another takes your place (name: its pid): flush what you know
inline constexpr char kBye[] = "bye";  ///< the other one is up: end
inline constexpr char kGo[] =
    "go";  ///< candidate: you are the emperor now; [routers=1: replace the routers, too]
inline constexpr char kUpgradeFailed[] = "upgrade-failed";  ///< reason; nothing changed
inline constexpr char kPing[] = "ping";                     ///< answer with `pong`

// a new keeper -> emperor, on <run-dir>/keeper.sock
inline constexpr char kTakeOver[] =
    "take-over";  ///< if your keeper is dead, let me be the next; pid

/// The name under which the flock on the run directory travels.
inline constexpr char kLockName[] = "lock";
/// The socket in the run directory that a new keeper finds the living emperor by.
inline constexpr char kDoorName[] = "/keeper.sock";

}  // namespace wire::keeper
