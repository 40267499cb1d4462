// The logger's channel: what emperor and logger say to each other (wire::Message verbs
// over a SOCK_SEQPACKET pair, descriptors beside).
#pragma once

namespace wire::logger {

// emperor -> logger
inline constexpr char kTargets[] =
    "targets";  ///< journald, syslog: addresses of those services
inline constexpr char kStream[] =
    "stream";  ///< id, name, path and settings (+ the reading end of the vassal's pipe
               ///< unless the logger has it): keep this log from now on
inline constexpr char kSynced[] =
    "synced";  ///< streams that were not named on this channel since `targets` are over
inline constexpr char kFile[] =
    "file";  ///< id, path (+ 1 fd): write there; or error: there is none
inline constexpr char kRead[] =
    "read";  ///< id, lines, follow (+ 1 fd): send the last lines to that socket
inline constexpr char kFresh[] = "fresh";  ///< id, rotate: ask for a file again
inline constexpr char kEnd[] = "end";      ///< id: write what is left and forget it
inline constexpr char kStop[] = "stop";    ///< write what is left of all and exit 0; with
                                           ///< `leave`, what is in the pipes stays there

// logger -> emperor
inline constexpr char kOpen[] = "open";      ///< id: I need its file
inline constexpr char kRotate[] = "rotate";  ///< id: its file is full or old, put it away

}  // namespace wire::logger
