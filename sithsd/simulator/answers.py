"""What the parts of a simulated card say to a command: a response, or a refusal."""

from dataclasses import dataclass

from sithsd.iso7816.status import StatusWord

CHAINING_UNSUPPORTED = 0x6884


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before transmission: the whole data field, however long, and the status word."""

    data: bytes = b""
    status: int = StatusWord.SUCCESS


class Refusal(Exception):  # noqa: N818 - a card's refusal is an answer, not an error of the program
    """The card answers with this status word and no data."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status
