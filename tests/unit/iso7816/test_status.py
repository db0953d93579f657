"""Status words: ISO/IEC 7816-4:2020, 5.6."""

import pytest

from sithsd.iso7816.status import StatusWord, bytes_remaining, counter, exact_length, tries_left


@pytest.mark.parametrize("tries", range(16))
def test_a_counter_is_written_and_read_alike(tries: int) -> None:
    """63CX carries a counter from 0 to 15 (table 6)."""
    assert tries_left(counter(tries)) == tries


@pytest.mark.parametrize("tries", [-1, 16, 255])
def test_a_counter_that_does_not_fit_is_refused(tries: int) -> None:
    """A number of tries beyond four bits is no status word; it is not cut to one."""
    with pytest.raises(ValueError, match="0 to 15"):
        counter(tries)


@pytest.mark.parametrize("status_word", [0x9000, 0x6300, 0x63B3, 0x63D0, 0x6983, 0x62C3, 0x64C3, 0x0003])
def test_no_other_status_word_is_taken_for_a_counter(status_word: int) -> None:
    """Only 63CX tells tries left: a counter is never guessed from anything else."""
    assert tries_left(status_word) is None


@pytest.mark.parametrize("status_word", [0x63C0, StatusWord.NO_INFORMATION | 0xC0])
def test_no_try_left_is_zero_and_not_unknown(status_word: int) -> None:
    """63C0 says that there is no try left, which is not the same as not saying."""
    assert tries_left(status_word) == 0


@pytest.mark.parametrize(
    ("status_word", "remaining", "exact"),
    [
        (0x6100, 256, None),
        (0x6101, 1, None),
        (0x61FF, 255, None),
        (0x6C00, None, 256),
        (0x6C08, None, 8),
        (0x9000, None, None),
        (0x6D00, None, None),
        (0x6282, None, None),
    ],
)
def test_the_two_procedure_answers_tell_a_length(status_word: int, remaining: int | None, exact: int | None) -> None:
    """61XX tells the bytes that GET RESPONSE fetches, 6CXX the Le to repeat with; XX 00 means 256 (12.2 of part 3)."""
    assert bytes_remaining(status_word) == remaining
    assert exact_length(status_word) == exact


def test_a_status_word_is_the_integer_it_is() -> None:
    """A known status word compares with, and is printed as, what the card sent."""
    assert StatusWord.AUTHENTICATION_METHOD_BLOCKED == 0x6983
    assert f"{StatusWord.FILE_NOT_FOUND:04X}" == "6A82"
