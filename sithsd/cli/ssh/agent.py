"""One connection's requests, and their answers. What is refused, and why, is reported for whoever runs the agent."""

from collections.abc import Callable

from sithsd.cli.failure import CommandError, failure_sentences
from sithsd.cli.invocation import Invocation
from sithsd.cli.ssh import protocol
from sithsd.cli.ssh.asking import CancelledError, Client, NoWayError
from sithsd.cli.ssh.identities import identities
from sithsd.cli.ssh.packing import MalformedError
from sithsd.cli.ssh.protocol import BindRequest, ListRequest, SignRequest, Unsupported
from sithsd.cli.ssh.purpose import NameOf, RefusedError, purpose_of
from sithsd.cli.ssh.sessions import Sessions, StrangeSessionError
from sithsd.cli.ssh.signing import Wanted
from sithsd.cli.words import Words

Report = Callable[[str], None]

_FAILURES = (MalformedError, RefusedError, CancelledError, NoWayError, CommandError)


class Agent:
    """What the agent does, for all connections. `sign` has a signature made, and waits for its turn."""

    def __init__(
        self, invocation: Invocation, sign: Callable[[Wanted], bytes], name_of: NameOf, report: Report
    ) -> None:
        self._invocation = invocation
        self._sign = sign
        self._name_of = name_of
        self._report = report

    def conversation(self, client: Client) -> Callable[[bytes], bytes]:
        """Return what answers the messages of one connection, one after the other."""
        sessions = Sessions()
        return lambda message: self._answer(message, sessions, client)

    def _answer(self, message: bytes, sessions: Sessions, client: Client) -> bytes:
        """Return the answer to one message. Every failure is one to the client, which learns no more than that."""
        words = self._invocation.words
        try:
            match protocol.parse(message):
                case ListRequest():
                    found = identities(self._invocation.daemon)
                    return protocol.identities_answer((one.key.blob, one.comment(words)) for one in found)
                case SignRequest() as request:
                    return protocol.sign_response(self._signed(request, sessions, client))
                case BindRequest() as request:
                    return self._bound(request, sessions)
                case Unsupported(number):
                    self._report(words.say("ssh-unsupported", number=number))
        except _FAILURES as error:
            for sentence in _sentences(error, words):
                self._report(sentence)
        return protocol.FAILURE

    def _signed(self, request: SignRequest, sessions: Sessions, client: Client) -> bytes:
        found = [one for one in identities(self._invocation.daemon) if one.key.blob == request.key]
        if not found:
            raise RefusedError("ssh-refused-key")
        purpose = purpose_of(request, found[0].key, sessions, self._name_of)
        return self._sign(Wanted(request.data, found[0], purpose, client))

    def _bound(self, request: BindRequest, sessions: Sessions) -> bytes:
        try:
            sessions.bind(request)
        except StrangeSessionError as error:
            self._report(self._invocation.words.say("ssh-strange-session", detail=str(error)))
            return protocol.EXTENSION_FAILURE
        return protocol.SUCCESS


def _sentences(error: Exception, words: Words) -> list[str]:
    """Return why a request failed."""
    match error:
        case MalformedError():
            return [words.say("ssh-malformed", detail=str(error))]
        case RefusedError():
            return [words.say(error.key)]
        case NoWayError():
            return [words.say("ssh-no-way", detail=str(error))]
        case CommandError():
            return failure_sentences(error, words)
    return [words.say("ssh-cancelled")]
