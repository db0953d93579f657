"""How much the socket takes: bytes, seconds, connections."""

from collections import Counter
from dataclasses import dataclass

MESSAGE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a server.

    `message_bytes`: the longest request. `message_seconds`: from a request's first byte to its NUL.
    `write_seconds`: how long a client may leave a reply unread. `stop_seconds`: how long running calls may last
    when the server ends. `user_connections`: of one ordinary user at once; `trusted_connections`: of root, and of the
    daemon's own user; `connections`: of everybody, of which `trusted_connections` are kept free of ordinary users.
    """

    message_bytes: int = MESSAGE_BYTES
    message_seconds: float = 10.0
    write_seconds: float = 10.0
    stop_seconds: float = 5.0
    user_connections: int = 64
    trusted_connections: int = 256
    connections: int = 512


class Budget:
    """Counts the connections of each user, over all sockets of a server."""

    def __init__(self, limits: Limits, own_uid: int) -> None:
        self._limits = limits
        self._trusted = frozenset({0, own_uid})
        self._used: Counter[int] = Counter()

    def admit(self, uid: int) -> bool:
        """Take a place for a connection of `uid`. Returns False, and takes none, when there is none left."""
        limits = self._limits
        if uid in self._trusted:
            free = self._used[uid] < limits.trusted_connections and self._used.total() < limits.connections
        else:
            ordinary = sum(count for user, count in self._used.items() if user not in self._trusted)
            shared = limits.connections - limits.trusted_connections
            free = self._used[uid] < limits.user_connections and ordinary < shared
        if free:
            self._used[uid] += 1
        return free

    def release(self, uid: int) -> None:
        """Give back the place of one connection of `uid`."""
        self._used[uid] -= 1
        if not self._used[uid]:
            del self._used[uid]
