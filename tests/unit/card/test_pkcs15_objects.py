"""The contents of directory files, made by hand as ISO/IEC 7816-15 has them."""

from datetime import UTC, datetime

import pytest

from sithsd.card.backends.pkcs15 import objects
from sithsd.card.model import Encoding
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816.tlv import encode
from sithsd.values import KeyKind

AID = bytes.fromhex("A000000063504B43532D3135")
APPLICATION = bytes.fromhex("3F005015")


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE."""
    return encode(0x30, b"".join(parts))


def integer(value: int) -> bytes:
    """Return a non-negative INTEGER."""
    return encode(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return encode(0x04, value)


def text(value: str) -> bytes:
    """Return a UTF8String."""
    return encode(0x0C, value.encode())


def bits(*numbers: int) -> bytes:
    """Return a BIT STRING with these bits set."""
    size = max(numbers, default=0) + 1
    value = sum(1 << (size - 1 - number) for number in numbers)
    unused = -size % 8
    return encode(0x03, bytes([unused]) + (value << unused).to_bytes((size + 7) // 8, "big"))


def path(value: bytes, *more: bytes) -> bytes:
    """Return a Path."""
    return sequence(octets(value), *more)


def password(  # noqa: PLR0913 - a password object has this many parts, and a test names the few that matter
    *,
    label: str | None = "Legitimering",
    unblocked_by: bytes | None = b"\x03",
    auth_id: bytes = b"\x01",
    flags: tuple[int, ...] = (1, 4, 5),
    kind: int = 1,
    lengths: tuple[int, int, int | None] = (6, 8, 8),
    reference: int | None = 1,
    padding: bytes | None = b"\xff",
    where: bytes | None = APPLICATION,
    more: bytes = b"",
) -> bytes:
    """Return an entry of EF.AODF."""
    minimum, stored, maximum = lengths
    common = [text(label)] if label is not None else []
    common.append(bits(0, 1))
    common += [octets(unblocked_by)] if unblocked_by is not None else []
    attributes = [
        bits(*flags),
        encode(0x0A, bytes([kind])),
        integer(minimum),
        integer(stored),
        *([integer(maximum)] if maximum is not None else []),
        *([encode(0x80, integer(reference)[2:])] if reference is not None else []),
        *([octets(padding)] if padding is not None else []),
        *([path(where)] if where is not None else []),
        more,
    ]
    return sequence(sequence(*common), sequence(octets(auth_id)), encode(0xA1, sequence(*attributes)))


def certificate(value: bytes, *, ident: bytes = b"E") -> bytes:
    """Return an entry of EF.CDF with this value."""
    return sequence(sequence(text("A label")), sequence(octets(ident)), encode(0xA1, sequence(value)))


def unreadable(function: object, *arguments: object) -> SithsdError:
    """Return the card.unreadable that a function has to end with."""
    with pytest.raises(SithsdError) as error:
        function(*arguments)
    assert error.value.code is ErrorCode.CARD_UNREADABLE
    assert "\n" not in error.value.detail
    return error.value


def test_a_pin() -> None:
    """A password object tells label, lengths, reference, padding, DF, and the code that unblocks it."""
    (pin,) = objects.pins([password()])
    assert pin == objects.Pin(
        label="Legitimering",
        auth_id=b"\x01",
        unblocked_by=b"\x03",
        flags=frozenset({"local", "initialized", "needs-padding"}),
        encoding=Encoding.ASCII,
        min_length=6,
        max_length=8,
        stored_length=8,
        reference=1,
        padding=0xFF,
        path=APPLICATION,
    )


def test_what_a_pin_need_not_tell() -> None:
    """Label, longest length, reference (0 by default), padding and DF may be left out; more may follow."""
    (pin,) = objects.pins(
        [password(label=None, unblocked_by=None, lengths=(4, 8, None), reference=None, padding=None, where=None)]
    )
    assert (pin.label, pin.unblocked_by, pin.max_length, pin.padding, pin.path) == (None,) * 5
    assert pin.reference == 0
    later = encode(0x18, b"20240115123000Z")
    (pin,) = objects.pins([password(where=None, more=later + path(APPLICATION) + integer(7))])
    assert pin.path == APPLICATION


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(0, Encoding.BCD), (1, Encoding.ASCII), (2, Encoding.ASCII), (3, None), (4, None)],
)
def test_types_of_passwords(kind: int, expected: Encoding | None) -> None:
    """The types whose bytes are known are named; those that would have to be guessed are not."""
    (pin,) = objects.pins([password(kind=kind)])
    assert pin.encoding is expected


@pytest.mark.parametrize(
    "entry",
    [
        password(padding=b""),
        password(padding=b"\xff\xff"),
        password(reference=256),
        password(lengths=(9, 8, 8)),
        password(lengths=(4, 0, 8)),
        password(lengths=(4, 65, 8)),
        password(lengths=(4, 8, 65)),
        password(lengths=(65, 8, None)),
        password(kind=9),
        password()[:-1],
        password() + b"\0",
        sequence(),
        sequence(sequence(), sequence(), sequence()),
        sequence(text("a"), text("b"), text("c")),
        b"\x30\x03\x02\x01\x01",
    ],
)
def test_pins_that_make_no_sense(entry: bytes) -> None:
    """Impossible lengths, references and paddings, and bytes that are no password object, are card.unreadable."""
    unreadable(objects.pins, [entry])


def test_other_ways_to_authenticate_are_passed_over() -> None:
    """Biometrics and keys (context tags) are no codes."""
    assert objects.pins([b"\xa0\x02\x30\x00", b"\xa1\x00"]) == []


def test_keys_of_every_algorithm() -> None:
    """A private key tells its id, usage and code, whatever its algorithm's tag is."""
    body = (
        sequence(text("A key"), bits(0), octets(b"\x02"))
        + sequence(octets(b"F"), bits(9), encode(0x01, b"\xff"), bits(0, 2), integer(2))
        + encode(0xA1, sequence(path(APPLICATION), integer(2048)))
    )
    for tag, kind in ((0x30, KeyKind.RSA), (0xA0, KeyKind.EC), (0xA1, None), (0xA2, None)):
        (key,) = objects.keys([encode(tag, body)])
        about = (b"F", frozenset({"non-repudiation"}), b"\x02")
        assert key == objects.Key(*about, kind, reference=2, path=APPLICATION, size=2048, consent=False)
    unreadable(objects.keys, [encode(0x30, b"\x04\x01x")])


def _key(*more: bytes, consent: bytes = b"", reference: int = 2) -> objects.Key:
    common = sequence(text("A key"), bits(0), octets(b"\x02"), consent)
    about = sequence(octets(b"F"), bits(2), encode(0x01, b"\xff"), bits(0, 2), integer(reference))
    (found,) = objects.keys([sequence(common, about, *more)])
    return found


def test_where_a_key_is() -> None:
    """Path and size come from the algorithm's attributes, with attributes of private keys before them or not."""
    attributes = encode(0xA1, sequence(path(APPLICATION), integer(3072)))
    for more in ((attributes,), (encode(0xA0, sequence()), attributes)):
        assert (_key(*more).path, _key(*more).size) == (APPLICATION, 3072)
    assert _key(encode(0xA1, sequence(path(APPLICATION)))).size is None


@pytest.mark.parametrize(
    "more",
    [
        (),
        (encode(0xA1, b""),),
        (encode(0xA1, b"\x04\x01"),),
        (encode(0xA1, sequence(octets(b"F"))),),
        (encode(0xA1, sequence(encode(0xA0, octets(b"the key itself")))),),
        (encode(0xA2, sequence(path(APPLICATION))),),
    ],
)
def test_a_key_whose_place_is_not_told_leaves_the_card_readable(more: tuple[bytes, ...]) -> None:
    """A key that can't be used for signing is no reason to refuse the card."""
    assert (_key(*more).path, _key(*more).size, _key(*more).id) == (None, None, b"F")


def test_what_a_key_wants_and_how_it_is_called() -> None:
    """User consent is told; a size or reference that makes no sense is as good as none."""
    assert _key(consent=integer(1)).consent
    assert not _key().consent
    assert _key(reference=256).reference is None
    assert _key(encode(0xA1, sequence(path(APPLICATION), integer(1 << 20)))).size is None


def test_a_certificate_by_its_place() -> None:
    """A certificate's entry tells id, label and place; index and length are those of the path."""
    whole = certificate(path(b"\x43\x31"))
    part = certificate(path(b"\x43\x31", integer(16), encode(0x80, b"\x04\x00")))
    assert objects.certificates([whole, part]) == [
        objects.CertificateEntry(b"E", "A label", objects.Place(b"\x43\x31"), None),
        objects.CertificateEntry(b"E", "A label", objects.Place(b"\x43\x31", 16, 1024), None),
    ]


def test_a_certificate_in_the_directory_itself() -> None:
    """A certificate's bytes may stand in its entry."""
    der = sequence(integer(1), text("not really a certificate"))
    (entry,) = objects.certificates([certificate(encode(0xA0, der))])
    assert entry.der == der
    assert entry.place is None


@pytest.mark.parametrize(
    "entry",
    [
        certificate(b""),
        certificate(path(b"\x43\x31", encode(0x02, b"\xff"))),
        certificate(integer(1)),
        certificate(path(b"\x43\x31"))[:-2],
        sequence(sequence(), sequence(octets(b"E"))),
    ],
)
def test_certificates_that_make_no_sense(entry: bytes) -> None:
    """A negative index, no value, other values: card.unreadable."""
    unreadable(objects.certificates, [entry])


def test_other_certificates_are_passed_over() -> None:
    """Attribute, SPKI, PGP and other certificates (context tags) are none of ours."""
    assert objects.certificates([encode(0xA0, b"anything"), encode(0xA5, b"")]) == []


def test_where_an_application_is() -> None:
    """EF.DIR tells the path of the application with that AID, other applications are passed over."""
    other = encode(0x61, encode(0x4F, b"\xa0\0\0\0\x01") + encode(0x51, b"\x3f\x00\x40\x00"))
    ours = encode(0x61, encode(0x4F, AID) + encode(0x50, b"SIM") + encode(0x51, APPLICATION))
    pathless = encode(0x61, encode(0x4F, AID))
    assert objects.application_path([other, ours], AID) == APPLICATION
    assert objects.application_path([other], AID) is None
    assert objects.application_path([pathless], AID) is None
    assert objects.application_path([pathless, ours], AID) == APPLICATION
    unreadable(objects.application_path, [b"\x61\x02\x30\x00"], AID)


def test_the_object_directory() -> None:
    """EF.ODF tells the directory files by kind, several of a kind in their order; kinds not needed are told too."""
    entries = [
        encode(0xA8, path(b"\x44\x01")),
        encode(0xA4, path(b"\x44\x03")),
        encode(0xA4, path(b"\x44\x05")),
        encode(0xA7, path(b"\x44\x09")),
    ]
    assert objects.directory(entries) == {
        "auth_objects": [b"\x44\x01"],
        "certificates": [b"\x44\x03", b"\x44\x05"],
        "data_objects": [b"\x44\x09"],
    }
    for malformed in (encode(0xA8, b"\x02\x01\x01"), encode(0xAF, path(b"\x44\x01")), b"\xa8\x00"):
        unreadable(objects.directory, [malformed])


def test_the_token() -> None:
    """EF.TokenInfo tells serial number, maker and label; each may be missing, and more may follow."""
    full = sequence(integer(0), octets(b"\x01\x02"), text("SIM"), encode(0x80, b"A card"), bits(1), encode(0xA5, b""))
    assert objects.token(full) == objects.Token(b"\x01\x02", "SIM", "A card", None, full)
    assert objects.token(sequence(integer(1))) == objects.Token(content=sequence(integer(1)))
    for malformed in (b"\x30\x00", octets(b"x"), full[:-1], sequence(octets(b"x"))):
        unreadable(objects.token, malformed)


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        (encode(0xA5, encode(0x18, b"20240115123000Z")), datetime(2024, 1, 15, 12, 30, tzinfo=UTC)),
        (encode(0xA5, encode(0x18, b"20240115133000+0100")), datetime(2024, 1, 15, 12, 30, tzinfo=UTC)),
        (encode(0xA5, encode(0x18, b"20240115123000")), None),
        (encode(0xA5, encode(0x18, b"20241315123000Z")), None),
        (encode(0xA5, encode(0x18, b"")), None),
        (encode(0xA5, encode(0xA0, path(b"\x44\x07"))), None),
        (encode(0xA4, encode(0x18, b"20240115123000Z")), None),
        (b"", None),
    ],
)
def test_when_files_were_written_last(told: bytes, moment: datetime | None) -> None:
    """LastUpdate is told as a time of a known zone, or it is not known: elsewhere, malformed, local time."""
    content = sequence(integer(0), octets(b"\x01"), bits(1), told, encode(0x0C, b"sv"))
    assert objects.token(content).last_update == moment


def test_labels_that_are_not_utf8_do_no_harm() -> None:
    """A label in another character set is shown as well as can be: no card is refused for its words."""
    latin = "F\u00f6rvaltningen".encode("latin-1")
    assert objects.token(sequence(integer(0), encode(0x0C, latin))).manufacturer == "F\ufffdrvaltningen"
    (pin,) = objects.pins([password().replace(encode(0x0C, b"Legitimering"), encode(0x0C, b"Legitimer\xe5ng"))])
    assert pin.label == "Legitimer\ufffdng"


def test_nothing_is_nested_too_deeply() -> None:
    """Thousands of sequences in one another end as card.unreadable, or are passed over where nothing needs them."""
    deep = b""
    for _ in range(2000):
        deep = encode(0x30, deep)
    for function, entries in (
        (objects.pins, [deep]),
        (objects.keys, [deep]),
        (objects.certificates, [deep]),
        (objects.directory, [deep]),
        (objects.token, deep),
        (objects.pins, [password(more=deep)]),
    ):
        try:
            function(entries)
        except SithsdError as error:
            code = error.code
        else:
            code = ErrorCode.CARD_UNREADABLE
        assert code is ErrorCode.CARD_UNREADABLE
