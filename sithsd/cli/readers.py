"""Which reader a command means."""

from collections.abc import Sequence

from sithsd.cli.failure import CommandError, failure, parameters
from sithsd.cli.replies import ListReply, Reader
from sithsd.errors import ErrorCode


def chosen(reply: ListReply, name: str | None) -> Reader:
    """Return the reader called `name`; without a name, the only one that holds a card.

    A CommandError says that there is none (and why), or names those to choose from.
    """
    if not reply.service:
        raise failure(ErrorCode.PCSC_UNAVAILABLE, "the daemon sees no PC/SC service")
    if name is not None:
        reader = next((one for one in reply.readers if one.name == name), None)
        if reader is None:
            found = parameters(ErrorCode.READER_UNKNOWN, "no reader of that name")
            raise CommandError(found, readers=_names(reply.readers))
        return _with_card(reader)
    holding = [one for one in reply.readers if one.state != "empty"]
    if len(holding) > 1:
        raise CommandError(
            parameters(ErrorCode.READER_AMBIGUOUS, "several readers hold a card"), readers=_names(holding)
        )
    if not holding:
        raise failure(ErrorCode.CARD_ABSENT, "no reader holds a card")
    return _with_card(holding[0])


def _names(readers: Sequence[Reader]) -> list[str]:
    return [reader.name for reader in readers]


def _with_card(reader: Reader) -> Reader:
    if reader.card is not None:
        return reader
    raise _why_not(reader)


def _why_not(reader: Reader) -> CommandError:
    """Return why a reader shows no card: the daemon's own reason where it gives one that is known."""
    otherwise = ErrorCode.CARD_ABSENT if reader.state == "empty" else ErrorCode.READER_BUSY
    code = {code.value: code for code in ErrorCode}.get(reader.reason or "", otherwise)
    return failure(code, f"the reader is {reader.state}")
