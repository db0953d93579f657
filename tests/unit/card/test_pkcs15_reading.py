"""Which code is which, where the application is, and what a whole card must not get away with."""

import dataclasses
from collections.abc import Callable

import pytest
from card_bench import (
    Bench,
    card,
    image_of,
    registry,
    with_content,
    without_file,
)

from sithsd.card import operations
from sithsd.card.backends.pkcs15 import objects, reading
from sithsd.card.backends.pkcs15.backend import Pkcs15Backend
from sithsd.card.model import CodeReference, Encoding
from sithsd.card.profile import CodeRules, Counter, Evidence, KnownCode, Probe, Profile
from sithsd.card.transport import MAX_COMMANDS
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816.tlv import encode
from sithsd.simulator.pkcs15 import PATHS
from sithsd.values import Role

RULES = CodeRules(labels={Role.AUTHENTICATION: ["legitimering"], Role.SIGNATURE: ["underskrift"]})
PIN = objects.Pin(
    label=None,
    auth_id=b"\x01",
    unblocked_by=b"\x03",
    flags=frozenset({"needs-padding"}),
    encoding=Encoding.ASCII,
    min_length=6,
    max_length=8,
    stored_length=8,
    reference=1,
    padding=0xFF,
    path=None,
)
SIGN, REPUDIATE_NOT = frozenset({"sign"}), frozenset({"non-repudiation"})


def pin(**how: object) -> objects.Pin:
    """Return a password object that differs in this from an ordinary one."""
    flags = how.pop("flags", ("needs-padding",))
    return dataclasses.replace(PIN, flags=frozenset(flags), **how)


def puk(**how: object) -> objects.Pin:
    """Return a PUK."""
    usual = {
        "auth_id": b"\x03",
        "unblocked_by": None,
        "flags": ("needs-padding", "unblocking-password"),
        "reference": 3,
    }
    return pin(**(usual | how))


def codes(
    *pins: objects.Pin, keys: tuple[objects.Key, ...] = (), rules: CodeRules = RULES
) -> tuple[dict[Role, CodeReference], list[str]]:
    """Return the codes by role, and the notes."""
    notes: list[str] = []
    found = reading._codes(reading._kept(list(pins), list(keys), rules, notes), rules)
    return {code.role: code for code in found}, notes


def test_roles_by_the_keys_behind_them() -> None:
    """A code before non-repudiation keys alone signs, one before none of them logs in, whatever labels say."""
    found, _ = codes(
        pin(label="Underskrift"),
        pin(label="Legitimering", auth_id=b"\x02", reference=2),
        keys=(objects.Key(b"E", SIGN, b"\x01"), objects.Key(b"F", REPUDIATE_NOT, b"\x02")),
    )
    assert {role: code.reference for role, code in found.items()} == {Role.AUTHENTICATION: 1, Role.SIGNATURE: 2}


def test_roles_by_words_where_keys_say_nothing() -> None:
    """Without keys, or with both sorts behind one code, the profile's words decide, if they agree."""
    both = (objects.Key(b"E", SIGN, b"\x01"), objects.Key(b"F", REPUDIATE_NOT, b"\x01"))
    for keys in ((), both):
        assert set(codes(pin(label="SITHS LEGITIMERING"), keys=keys)[0]) == {Role.AUTHENTICATION}
        assert set(codes(pin(label="Underskrift"), keys=keys)[0]) == {Role.SIGNATURE}
        for label in (None, "", "PIN 1", "Legitimering och underskrift"):
            assert codes(pin(label=label), keys=keys) == ({}, ["code.unrecognised"])


def test_the_puk_serves_what_names_it() -> None:
    """A PIN's PUK is the code that its entry names, by identifier; a PIN that names none, or no PUK, has none."""
    for named, serves in ((b"\x03", 3), (None, None), (b"\x09", None), (b"\x01", None), (b"", None)):
        found, _ = codes(pin(label="Legitimering", unblocked_by=named), puk())
        assert found[Role.AUTHENTICATION].unblocked_by == serves
    found, _ = codes(pin(label="Legitimering", flags=("unblock-disabled",)), puk())
    assert found[Role.AUTHENTICATION].unblocked_by is None


def test_a_puk_with_the_reference_of_a_pin_serves_nothing() -> None:
    """Codes that share reference and DF are not unblocked: the guard would look at the wrong counter."""
    found, _ = codes(pin(label="Legitimering"), puk(reference=1))
    assert found[Role.AUTHENTICATION].unblocked_by is None
    found, _ = codes(pin(label="Legitimering", path=b"\x3f\x00\x50\x15"), puk(reference=1, path=b"\x3f\x00"))
    assert found[Role.AUTHENTICATION].unblocked_by == 1


def test_each_pin_with_a_puk_of_its_own() -> None:
    """Of two PUKs the first is known; a PIN that names the other, with the same reference, is not unblocked by it."""
    found, notes = codes(
        pin(label="Legitimering", unblocked_by=b"\x03"),
        pin(label="Underskrift", auth_id=b"\x02", reference=2, unblocked_by=b"\x04"),
        puk(path=b"\x3f\x00\x50\x01"),
        puk(auth_id=b"\x04", path=b"\x3f\x00\x50\x02"),
    )
    assert found[Role.AUTHENTICATION].unblocked_by == 3
    assert found[Role.SIGNATURE].unblocked_by is None
    assert notes == ["code.unrecognised"]


def test_the_security_officers_code() -> None:
    """The security officer's code is the PUK if a PIN names it as such, else none of ours."""
    officer = puk(auth_id=b"\x07", flags=("so-password",), reference=7)
    found, notes = codes(officer, pin(label="Legitimering"), puk())
    assert found[Role.PUK].reference == 3
    assert notes == ["code.unrecognised"]
    found, _ = codes(officer, pin(label="Legitimering", unblocked_by=b"\x07"))
    assert found[Role.PUK].reference == 7
    assert found[Role.AUTHENTICATION].unblocked_by == 7


@pytest.mark.parametrize("how", [{"encoding": None}, {"padding": None}])
def test_a_code_whose_bytes_are_not_known_is_not_used(how: dict[str, None]) -> None:
    """A type of password that is not known, or a padding that is not told, is no reason to guess."""
    assert codes(pin(label="Legitimering", **how)) == ({}, ["code.unrecognised"])
    found, _ = codes(pin(label="Legitimering", flags=(), padding=None))
    assert found[Role.AUTHENTICATION].padding is None


def test_lengths_that_the_card_leaves_out() -> None:
    """Without a longest length it is what fits: as many digits as bytes, or twice as many in BCD."""
    found, _ = codes(pin(label="Legitimering", max_length=None))
    assert found[Role.AUTHENTICATION].max_length == 8
    found, _ = codes(pin(label="Legitimering", max_length=None, encoding=Encoding.BCD))
    assert found[Role.AUTHENTICATION].max_length == 16


def test_the_profile_knows_better() -> None:
    """A code that the profile knows replaces what the card says of the code with that role."""
    known = KnownCode(
        role=Role.SIGNATURE, reference=0x82, min_length=6, max_length=8, stored_length=8, padding=0, unblocked_by=3
    )
    rules = CodeRules(known=[known])
    found, _ = codes(pin(label="Legitimering"), keys=(objects.Key(b"E", REPUDIATE_NOT, b"\x01"),), rules=rules)
    assert set(found) == {Role.SIGNATURE}
    assert found[Role.SIGNATURE].reference == 0x82
    assert found[Role.SIGNATURE].path is None


def test_more_codes_than_any_card_has() -> None:
    """Nine codes are too many."""
    with pytest.raises(SithsdError) as error:
        codes(*(pin(auth_id=bytes([number]), reference=number) for number in range(9)))
    assert error.value.code is ErrorCode.CARD_UNREADABLE


AID = "A0 00 00 00 63 50 4B 43 53 2D 31 35"


def made_profile(**rules: object) -> Profile:
    """Return a profile for the simulated card."""
    return Profile(
        name="made_up",
        title="",
        backend="pkcs15",
        evidence=Evidence.ASSUMED,
        probe=[Probe(aid=AID, expect=["9000", "6A82"])],
        codes=CodeRules(counter=Counter.EMPTY_VERIFY, **rules),
    )


def test_an_application_that_only_ef_dir_knows() -> None:
    """A card that does not know the AID by name is read where EF.DIR says that the application is."""
    bench = Bench(card())

    def answer(command: bytes) -> tuple[bytes, int] | None:
        return (b"", 0x6A82) if command[1:3] == b"\xa4\x04" else None

    with bench.transaction(answer=answer) as begun:
        backend = Pkcs15Backend(made_profile())
        contents = backend.read(begun, protocol=1)
        assert backend.serial(begun) == contents.serial == bench.card.image.serial.hex().upper()
    assert len(contents.certificates) == 4


def test_no_application_anywhere_is_unsupported() -> None:
    """A card with neither the AID nor EF.DIR, or with an EF.DIR of others, is card.unsupported."""
    other = encode(0x61, encode(0x4F, b"\xa0\0\0\0\x01") + encode(0x51, b"\x3f\x00\x40\x00"))
    lost = encode(0x61, encode(0x4F, bytes.fromhex(AID)) + encode(0x51, b"\x3f\x00\x77\x77"))
    for image in (
        without_file(image_of("ordinary"), PATHS["EF.DIR"]),
        with_content(image_of("ordinary"), PATHS["EF.DIR"], other),
        with_content(image_of("ordinary"), PATHS["EF.DIR"], lost),
    ):
        bench = Bench(card(image=image))
        with (
            bench.transaction(answer=lambda command: (b"", 0x6A82) if command[1:3] == b"\xa4\x04" else None) as begun,
            pytest.raises(SithsdError) as error,
        ):
            Pkcs15Backend(made_profile()).read(begun, protocol=1)
        assert error.value.code is ErrorCode.CARD_UNSUPPORTED


def read(image_change: Callable[[], Bench]) -> tuple[Bench, SithsdError | None, operations.ReadCard | None]:
    """Read a card; return how it went."""
    bench = image_change()
    with bench.transaction() as begun:
        try:
            return bench, None, operations.read(begun, registry(), lambda _: True)
        except SithsdError as error:
            return bench, error, None


@pytest.mark.parametrize("name", ["EF.ODF", "EF.AODF", "EF.PrKDF", "EF.CDF"])
def test_directory_files_that_are_absent(name: str) -> None:
    """A directory file that is named and absent makes the card unreadable, with the file's path."""
    image = without_file(image_of("ordinary"), PATHS[name])
    _, error, _ = read(lambda: Bench(card(image=image)))
    assert error is not None
    assert error.code is ErrorCode.CARD_UNREADABLE
    assert PATHS[name].hex().upper() in error.detail or name in error.detail


def test_certificates_that_are_absent() -> None:
    """An entry without its file, or with an empty one, is noted and passed over: there is room for more."""
    place = next(file.path for file in image_of("ordinary").files if file.path not in PATHS.values())
    for image in (
        without_file(image_of("ordinary"), place),
        with_content(image_of("ordinary"), place, b"\x00" * 100),
        with_content(image_of("ordinary"), place, b""),
    ):
        _, error, found = read(lambda image=image: Bench(card(image=image)))
        assert error is None
        assert found is not None
        assert len(found.contents.certificates) == 3
        assert found.contents.notes == ("certificate.absent",)


def leads_to(tag: int, path: bytes) -> bytes:
    """Return an entry of EF.ODF."""
    return encode(tag, encode(0x30, encode(0x04, path)))


@pytest.mark.parametrize(
    ("directory", "outcome"),
    [
        (leads_to(0xA4, PATHS["EF.ODF"]), None),
        (leads_to(0xA8, PATHS["EF.ODF"]) * 2, None),
        (leads_to(0xA0, PATHS["EF.ODF"]), ErrorCode.CARD_UNREADABLE),
        (leads_to(0xA4, PATHS["EF.CDF"]) * 64, ErrorCode.CARD_UNREADABLE),
        (leads_to(0xA8, PATHS["EF.AODF"]) * 64, ErrorCode.CARD_UNREADABLE),
    ],
)
def test_directories_that_lead_in_circles(directory: bytes, outcome: ErrorCode | None) -> None:
    """An EF.ODF that names itself leads to nothing, one that names a file 64 times is unreadable; both end."""
    image = with_content(image_of("ordinary"), PATHS["EF.ODF"], directory)
    bench, error, found = read(lambda: Bench(card(image=image)))
    assert len(bench.last.sent) <= MAX_COMMANDS
    assert (error.code if error else None) is outcome
    if found is not None:
        assert found.contents.certificates == ()
        assert found.contents.codes == ()


def test_codes_without_a_df_are_asked_in_the_applications() -> None:
    """A code that names no DF is asked for in the application's, also after one that names another."""
    backend = Pkcs15Backend(made_profile())
    bench = Bench(card())
    elsewhere = CodeReference(Role.SIGNATURE, 2, path=b"\x3f\x00")
    here = CodeReference(Role.AUTHENTICATION, 1)
    with bench.transaction() as begun:
        states = backend.code_states(begun, [elsewhere, here])
    assert [state.tries_left for state in states] == [3, 3]
    assert [(sent.ins, sent.p1) for sent in begun.sent] == [(0xA4, 0), (0x20, 0), (0xA4, 4), (0x20, 0)]


@pytest.mark.parametrize(
    ("status", "left", "blocked", "activated", "verified"),
    [
        (0x63C3, 3, False, True, False),
        (0x63C1, 1, False, True, False),
        (0x63CF, 15, False, True, False),
        (0x63C0, 0, True, True, False),
        (0x6983, 0, True, True, False),
        (0x6984, None, False, False, False),
        (0x9000, None, False, True, True),
        (0x6300, None, None, None, False),
        (0x6700, None, None, None, False),
        (0x6A88, None, None, None, False),
        (0x6C08, None, None, None, False),
        (0x6D00, None, None, None, False),
    ],
)
def test_what_an_empty_verify_tells(
    status: int, left: int | None, blocked: bool | None, activated: bool | None, *, verified: bool
) -> None:
    """Each answer to an empty VERIFY means one thing, and an answer that means nothing is "not known"."""

    def answer(command: bytes) -> tuple[bytes, int] | None:
        return (b"", status) if command[1] == 0x20 else None

    bench = Bench(card())
    with bench.transaction(answer=answer) as begun:
        (state,) = Pkcs15Backend(made_profile()).code_states(begun, [CodeReference(Role.SIGNATURE, 2)])
    assert (state.tries_left, state.blocked, state.activated) == (left, blocked, activated)
    assert state.verified is verified
