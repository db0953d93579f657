"""What a signature is for, and whether it is given at all: judged before anybody is asked."""

from collections.abc import Callable
from dataclasses import dataclass

from sithsd.cli.plain import REPLACEMENT
from sithsd.cli.ssh.host_keys import fingerprint
from sithsd.cli.ssh.keys import Algorithm, PublicKey, algorithm
from sithsd.cli.ssh.protocol import SignRequest
from sithsd.cli.ssh.sessions import Sessions, StrangeSessionError
from sithsd.cli.ssh.signed import LogIn, Signature, meaning
from sithsd.cli.words import Words

_LONGEST_DESCRIPTION = 200
# The daemon signs no fewer and no more bytes than these.
_LENGTHS = range(16, 32769)

# Returns the name of the host that has a key, None where it is not known.
NameOf = Callable[[bytes], str | None]


class RefusedError(Exception):
    """A request that is not even put to the person. `key` is that of the sentence which says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Purpose:
    """How it is signed, and what for.

    `sentence` names the sentence that tells it to the person and takes `values`; `description` is what the audit keeps.
    """

    how: Algorithm
    sentence: str
    values: dict[str, str]
    description: str

    def told(self, words: Words) -> str:
        """Return it for the person."""
        return words.say(self.sentence, **self.values)


def purpose_of(request: SignRequest, key: PublicKey, sessions: Sessions, name_of: NameOf) -> Purpose:
    """Return what a request is for. Raises RefusedError."""
    how = algorithm(key.kind, request.flags)
    if how is None:
        raise RefusedError("ssh-refused-algorithm")
    asked = meaning(request.data)
    if asked is None or len(request.data) not in _LENGTHS:
        raise RefusedError("ssh-refused-data")
    if isinstance(asked, Signature):
        return _signature(how, asked, sessions, name_of)
    if asked.key != key.blob or asked.algorithm != how.name:
        raise RefusedError("ssh-refused-data")
    return _log_in(how, asked, sessions, name_of)


def _log_in(how: Algorithm, asked: LogIn, sessions: Sessions, name_of: NameOf) -> Purpose:
    try:
        journey = sessions.journey(asked)
    except StrangeSessionError:
        raise RefusedError("ssh-refused-session") from None
    sentence, values, description = "ssh-log-in-somewhere", {"user": asked.user}, f"ssh {asked.user}"
    if journey.host is not None:
        sentence, values["host"] = "ssh-log-in", _called(journey.host, name_of)
        description += f"@{values['host']}"
    if journey.through is not None:
        sentence, values["through"] = f"{sentence}-through", _called(journey.through, name_of)
        description += f" through {values['through']}"
    return Purpose(how, sentence, values, _described(description))


def _signature(how: Algorithm, asked: Signature, sessions: Sessions, name_of: NameOf) -> Purpose:
    sentence, values, description = "ssh-sign", {"namespace": asked.namespace}, f"ssh signature: {asked.namespace}"
    if sessions.through is not None:
        sentence, values["through"] = "ssh-sign-through", _called(sessions.through, name_of)
        description += f" through {values['through']}"
    return Purpose(how, sentence, values, _described(description))


def _called(host_key: bytes, name_of: NameOf) -> str:
    return name_of(host_key) or fingerprint(host_key)


def _described(text: str) -> str:
    """Return a description as the daemon takes it: printable, and not too long."""
    shown = "".join(character if character.isprintable() else REPLACEMENT for character in text)
    return shown if len(shown) <= _LONGEST_DESCRIPTION else f"{shown[: _LONGEST_DESCRIPTION - 1]}…"
