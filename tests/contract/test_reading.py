"""What every backend has to read off a card."""

import msgspec
import pytest
from card_bench import Row, card, image_of

from sithsd.card import operations
from sithsd.card.known import KnownCards
from sithsd.card.transport import stack
from sithsd.errors import ErrorCode, SithsdError
from sithsd.simulator.pkcs15 import PATHS
from sithsd.values import Role


def test_identified_by_its_profile(row: Row) -> None:
    """A card is read by the profile that is meant for it, and it is told by what it was recognised."""
    bench = row.bench()
    read = row.read(bench)
    assert read.identified.profile.name == row.profile
    assert "A0 00 00 00 63 50 4B 43 53 2D 31 35" in read.identified.by
    assert bench.last.protocol == row.protocol


def test_a_card_of_another_kind_is_unsupported(row: Row) -> None:
    """A card without the application is card.unsupported, never unreadable or absent, and no code was touched."""
    bench = row.bench_of(card("strange"))
    with pytest.raises(SithsdError) as refused:
        row.read(bench)
    assert refused.value.code is ErrorCode.CARD_UNSUPPORTED
    assert not [sent for sent in bench.last.sent if sent.ins == 0x20]


def test_a_card_that_comes_again_is_the_same(row: Row) -> None:
    """Known or read whole, the same is told of it; it is known where its profile says what proves it."""
    bench, known = row.bench(), KnownCards(3600.0, lambda _: True)
    seen = []
    for _ in range(2):
        with bench.transaction() as begun:
            seen.append(operations.read(begun, row.registry(), lambda _: True, known=known))
    first, again = seen
    assert (again.contents, again.codes) == (first.contents, first.codes)
    assert again.identified.profile == first.identified.profile
    assert again.known is (row.profile == "sim_pkcs15")
    assert not again.known or bench.last.ours <= 6


def test_serial_is_the_cards_own(row: Row) -> None:
    """The serial number is the one that the card was personalised with, in upper-case hexadecimal."""
    bench = row.bench()
    read = row.read(bench)
    assert read.contents.serial == bench.card.image.serial.hex().upper()
    with bench.transaction() as begun:
        assert read.backend.serial(stack(begun, begun.protocol)) == read.contents.serial


def test_codes_with_their_lengths_and_their_puk(row: Row) -> None:
    """Each code is found with its role, reference, lengths and padding, and the PINs lead to the PUK."""
    bench = row.bench()
    contents = row.read(bench).contents
    terms = {Role(each.role): each for each in bench.card.image.codes}
    assert {code.role for code in contents.codes} == set(terms)
    for code in contents.codes:
        expected = terms[code.role]
        assert code.reference == expected.reference
        assert (code.min_length, code.max_length) == (expected.min_length, expected.max_length)
        assert (code.stored_length, code.padding) == (expected.stored_length, 0xFF)
        assert code.unblocked_by == expected.unblocked_by
    for role in (Role.AUTHENTICATION, Role.SIGNATURE):
        code = contents.code(role)
        assert code is not None
        assert contents.puk_for(code) is contents.code(Role.PUK)
    puk = contents.code(Role.PUK)
    assert puk is not None
    assert contents.puk_for(puk) is None


def test_certificates_are_the_files_of_the_card(row: Row) -> None:
    """Every certificate is there, to the last byte."""
    bench = row.bench()
    files = [file.content for file in bench.card.image.files if file.path not in PATHS.values()]
    assert len(files) >= 2
    contents = row.read(bench).contents
    assert [certificate.der for certificate in contents.certificates] == files
    assert len({certificate.id for certificate in contents.certificates}) == len(files)
    assert contents.notes == ()


def test_reading_costs_no_try_and_sends_no_code(row: Row) -> None:
    """Reading a card changes no counter and carries no code."""
    bench = row.bench()
    before = bench.tries()
    row.read(bench)
    assert bench.tries() == before
    assert bench.last.codes_sent == []
    assert bench.locked()


def test_what_reading_cost_is_what_went_over_the_wire(row: Row) -> None:
    """The number of commands that is reported is the number that the card saw, those of a module not counted."""
    bench = row.bench()
    assert row.read(bench).commands == bench.last.ours


def test_codes_are_asked_about_only_if_it_is_one_of_ours(row: Row) -> None:
    """A card that is not ours gets no command about its codes, not even an empty VERIFY."""
    bench = row.bench()
    with bench.transaction() as begun:
        read = operations.read(begun, row.registry(), lambda _: False)
    assert read.codes == ()
    assert not read.ours
    assert row.looked(bench.last) == []


def test_a_hundred_looks_at_the_codes_use_no_try(row: Row) -> None:
    """The counters are told right and stay what they are, however often they are looked at."""
    bench = row.bench(tries={Role.AUTHENTICATION: 2, Role.SIGNATURE: 1, Role.PUK: 4})
    read = row.read(bench)
    for _ in range(0, 100, row.stride):
        with bench.transaction() as begun:
            states = operations.code_states(begun, read)
        assert {state.role: state.tries_left for state in states} == row.states(bench.tries())
        assert begun.codes_sent == []
        assert not begun.resets
    assert bench.tries() == {Role.AUTHENTICATION: 2, Role.SIGNATURE: 1, Role.PUK: 4}


@pytest.mark.parametrize("role", [Role.AUTHENTICATION, Role.SIGNATURE, Role.PUK])
def test_a_blocked_code_is_told_as_blocked(row: Row, role: Role) -> None:
    """A code without tries is blocked, the others are not."""
    bench = row.bench(tries={role: 0})
    for state in row.read(bench).codes:
        silent = not row.counts and state.role is Role.PUK  # no flag of OpenSC's tells of the PUK
        assert state.blocked is (None if silent else state.role is role)
        assert (state.tries_left == 0) is (state.role is role and not silent)
        assert state.activated is (True if row.counts else None)


def test_a_card_that_is_not_activated(row: Row) -> None:
    """A PIN that nobody chose yet is told as not activated, with a counter that is not known."""
    chip = image_of(row.fixture)
    inactive = msgspec.structs.replace(image_of("inactive"), protocol=chip.protocol, atr=chip.atr)
    bench = row.bench_of(card("inactive", image=inactive))
    for state in row.read(bench).codes:
        if state.role is Role.PUK:
            assert state.tries_left == row.told(10, Role.PUK)
        else:
            assert state.activated is (False if row.counts else None)
            assert state.tries_left is None


def test_codes_given_by_another_program_are_seen(row: Row) -> None:
    """A PIN that another program has given is told as verified, and asking about it does not take that away."""
    bench = row.bench()
    read = row.read(bench)
    assert bench.give(Role.AUTHENTICATION, b"123456") == 0x9000
    with bench.transaction() as begun:
        states = operations.code_states(begun, read)
    verified = {state.role for state in states if state.verified}
    assert verified == ({Role.AUTHENTICATION} if row.counts else set())
    assert not bench.locked()


def test_another_card_is_never_taken_for_the_one_that_was_read(row: Row) -> None:
    """Looking at the codes of another card than the one that was read is card.changed."""
    read = row.read(row.bench())
    other = row.bench_of(card("second"))
    with other.transaction() as begun, pytest.raises(SithsdError) as changed:
        operations.code_states(begun, read)
    assert changed.value.code is ErrorCode.CARD_CHANGED
    assert row.looked(begun) == []
