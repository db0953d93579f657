"""Errors by name: what clients and logs may rely on."""

import copy
import pickle
import re

import pytest

from sithsd.errors import ErrorCode, SithsdError

# The names that are promised to scripts; a test fails when one is renamed or lost. Those of each release are added.
PROMISED = {
    "pin.wrong",
    "pin.blocked",
    "pin.lastTry",
    "pin.malformed",
    "puk.wrong",
    "puk.blocked",
    "card.removed",
    "card.unsupported",
    "reader.busy",
    "pcsc.unavailable",
    "request.denied",
    "request.invalid",
}


def test_no_promised_name_is_ever_lost() -> None:
    """Scripts compare with these names: they are only ever added."""
    assert not PROMISED - {code.value for code in ErrorCode}


@pytest.mark.parametrize("code", ErrorCode)
def test_a_name_is_a_room_and_a_word(code: ErrorCode) -> None:
    """Each name reads `subject.camelCase` (or is `internal`), so that a script can match on the subject."""
    assert code == ErrorCode.INTERNAL or re.fullmatch(r"[a-z]+\.[a-z]+([A-Z][a-z]+)*", code)


@pytest.mark.parametrize("code", [code for code in ErrorCode if code.split(".")[0] in {"pin", "puk", "card"}])
def test_what_may_cost_a_try_is_never_retryable(code: ErrorCode) -> None:
    """`retryable` invites a program to repeat the call: never one that a card has answered."""
    assert not SithsdError(code, "why").retryable


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.READER_BUSY,
        ErrorCode.PCSC_UNAVAILABLE,
        ErrorCode.REQUEST_TOO_MANY,
        ErrorCode.FETCH_FAILED,
        ErrorCode.DAEMON_UNAVAILABLE,
    ],
)
def test_what_passes_by_itself_is_retryable(code: ErrorCode) -> None:
    """A busy reader, an absent pcscd or network and a full queue pass without anybody's doing."""
    assert SithsdError(code, "why").retryable


def test_the_text_tells_the_name_the_detail_and_the_status_word() -> None:
    """A log line alone is enough to look the case up: the status word stands as the card sent it."""
    assert str(SithsdError(ErrorCode.PIN_BLOCKED, "no try is left", status_word=0x6983)) == (
        "pin.blocked: no try is left [SW 6983]"
    )
    assert str(SithsdError(ErrorCode.CARD_REMOVED, "the card is gone")) == "card.removed: the card is gone"


def test_a_status_word_of_zero_is_shown() -> None:
    """Zero is an answer; only the absence of one is left out."""
    assert str(SithsdError(ErrorCode.CARD_REFUSED, "odd", status_word=0)).endswith("[SW 0000]")


@pytest.mark.parametrize("copied", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])  # noqa: S301 - our own bytes
def test_the_facts_survive_a_copy(copied) -> None:  # noqa: ANN001 - three library functions
    """An error keeps its facts when it crosses to another process or is raised again from a future."""
    error = SithsdError(ErrorCode.PIN_WRONG, "refused", tries_left=0, role="signature", status_word=0x63C0)
    twin = copied(error)
    assert (twin.code, twin.detail, twin.tries_left, twin.role, twin.status_word) == (
        ErrorCode.PIN_WRONG,
        "refused",
        0,
        "signature",
        0x63C0,
    )
