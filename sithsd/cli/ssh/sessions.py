"""Which hosts a connection to the agent leads to: what ssh has told of its sessions, and what follows for a log-in.

ssh tells the agent each session's identifier and the host's signature over it (session-bind@openssh.com). A connection
that is forwarded grows by one session a hop; the last of them is the one that asks. Without I/O.
"""

from dataclasses import dataclass

from sithsd.cli.ssh.host_keys import has_signed
from sithsd.cli.ssh.protocol import BindRequest
from sithsd.cli.ssh.signed import LogIn

# As in OpenSSH; nobody forwards an agent through more hosts.
_MOST = 16


class StrangeSessionError(Exception):
    """What was told of a session is not true, or contradicts what is asked; the message says how."""


@dataclass(frozen=True, slots=True)
class Journey:
    """Where a log-in goes: the key of the host, and that of the host it is asked from; None where it is not known.

    `through` is None also where it is asked on this computer.
    """

    host: bytes | None
    through: bytes | None


class Sessions:
    """Those of one connection."""

    def __init__(self) -> None:
        self._told: list[BindRequest] = []

    def bind(self, request: BindRequest) -> None:
        """Note a session. Raises StrangeSessionError, with nothing noted, where it can't be so."""
        if not has_signed(request.host_key, request.signature, request.session):
            raise StrangeSessionError("the host's signature over the session is not its key's")
        if self._told and not self._told[-1].forwarding:
            raise StrangeSessionError("the connection serves another session already")
        if len(self._told) >= _MOST:
            raise StrangeSessionError("too many sessions")
        self._told.append(request)

    def journey(self, log_in: LogIn) -> Journey:
        """Return where a log-in goes. Raises StrangeSessionError where it is not of the session that was told last."""
        if not self._told:
            # Whatever the request itself says of the host, nobody has proven it.
            return Journey(None, None)
        last = self._told[-1]
        if last.forwarding:
            if log_in.session == last.session:
                raise StrangeSessionError("a session that the agent is forwarded to logs in nowhere")
            # An ssh at the other end that is too old to tell.
            return Journey(None, last.host_key)
        if log_in.session != last.session:
            raise StrangeSessionError("the log-in is not of the session that was told")
        if log_in.host_key not in {None, last.host_key}:
            raise StrangeSessionError("the log-in names another host than the session")
        before = self._told[-2].host_key if len(self._told) > 1 else None
        return Journey(last.host_key, before)

    @property
    def through(self) -> bytes | None:
        """The key of the host that asks, None where it is asked on this computer or nothing was told."""
        forwarded = [one for one in self._told if one.forwarding]
        return forwarded[-1].host_key if forwarded else None
