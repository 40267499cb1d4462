// The router's control channel: what the emperor tells a router process and hears from it
// (wire::Message verbs over a SOCK_SEQPACKET pair; each message may carry descriptors).
//
// The emperor sends the whole picture after every (re)start: listeners, vassals, routes,
// then `synced`; later changes one by one. The router starts to accept once it was told
// everything, also by those that `synced` names: only the emperor knows whether anybody
// is there who can tell.
#pragma once

namespace wire::router_control {

// emperor -> router
inline constexpr char kListen[] =
    "listen";  ///< kind=uwsgi|http|https|subscriptions + 1 fd: a bound socket, listening
               ///< or of datagrams; helper=1 for all processes but the first
inline constexpr char kCertificates[] =
    "certificates";  ///< + 1 fd: a sealed memfd with all there are (wire/certificates.h)
inline constexpr char kTicketKeys[] =
    "ticket-keys";  ///< keys: 80 bytes for session tickets from now on. From a crew's
                    ///< parent; an emperor's come with the certificates
inline constexpr char kSibling[] =
    "sibling";  ///< + 1 fd: the sending end of another router's inbox of subscriptions;
                ///< own=1: the receiving end of this one's. serial: of who hears there
inline constexpr char kSiblingGone[] =
    "sibling-gone";  ///< serial: it tells nobody anything any more
inline constexpr char kVassal[] =
    "vassal";  ///< id, name, [queue-max], [queue-timeout seconds], [limit-post bytes],
               ///< [concurrency-max], [bandwidth-max bytes a second]
               ///< + 2 fds: sending end and receiving end of its
               ///< handoff channel. Again with the same id: new channel or figures.
               ///< Without fds: it never ran, and has a channel once it is `wanted`.
               ///< Or [address, protocol=uwsgi|http|fastcgi|scgi, uid, param NAME=value
               ///< repeated]: a command that is
               ///< connected to there, awake or asleep; on a unix socket the other end
               ///< must be of that uid (SO_PEERCRED), or a tenant could put another's
               ///< socket in the place of his own. Without address: no longer a command
inline constexpr char kState[] =
    "state";  ///< id, state=ready|starting|asleep|backoff|stopped, [retry-after seconds],
              ///< [dismiss=1: it did not start, answer 503 to what waits]
inline constexpr char kRemove[] =
    "remove";  ///< id: drain its belt and queue with 503, forget its routes
inline constexpr char kRoute[] =
    "route";  ///< host (exact, "*.suffix" or "*" for the default), id. Replaces
inline constexpr char kUnroute[] = "unroute";  ///< host
inline constexpr char kSynced[] =
    "synced";  ///< the picture is whole; [teller repeated]: serials of siblings that tell
               ///< it what they know, before it accepts; [perhaps repeated]: of those
               ///< that do, or say that they know nothing yet. rules: stands for the
               ///< options and sockets of routers that are started now
inline constexpr char kDrain[] = "drain";  ///< stop accepting, finish, exit 0

// router -> emperor
inline constexpr char kHello[] = "hello";        ///< pid
inline constexpr char kUp[] = "up";              ///< accepting; again at `synced`
inline constexpr char kOutdated[] = "outdated";  ///< it was started by other rules
inline constexpr char kSpoiled[] =
    "spoiled";  ///< id: its channel is unusable (EPIPE, EPERM): make a fresh pair
inline constexpr char kWanted[] =
    "wanted";  ///< id: somebody waits for a vassal that has no channel yet
inline constexpr char kFigures[] =
    "figures";  ///< answer to `ask-figures`, several: base/wire/router_figures.h, and
                ///< serial and asker of the question. Unasked before it ends

// both ways
inline constexpr char kAskFigures[] =
    "ask-figures";  ///< [serial], [asker: pid]. From a router of a crew: of the others
inline constexpr char kAsked[] =
    "asked";  ///< crew -> router: serial, count: so many others were asked

}  // namespace wire::router_control
