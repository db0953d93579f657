"""What may be unusual about a certificate's names and extensions."""

import random

from bulk_draft import (
    ACCESS,
    ALTERNATIVE_NAMES,
    AUTHORITY_KEY,
    BASIC,
    CARD_NUMBER,
    COMMON_NAME,
    CONSTRAINTS,
    EXTENDED_USAGE,
    GIVEN_NAME,
    KEY_IDENTIFIER,
    KEY_USAGE,
    POINTS,
    POLICIES,
    SERIAL_NUMBER,
    TRUE,
    Change,
    Draft,
    principal,
    text,
)
from bulk_world import BIT_STRING, INTEGER, OCTETS, PRINTABLE, SEQUENCE, SET, UTF8, extension, oid, tlv


def _one_attribute(draft: Draft, draw: random.Random) -> None:
    values: tuple[tuple[int, bytes], ...] = (
        text("İıŁŻžÿĀſ"),
        text("\u0149\u0132\u017f"),
        text("a\u00adb"),
        text("a\u00a0b"),
        text("\u202eolleH"),
        text("שלום"),
        text("שלום a"),
        text("\u0378"),
        text("\ue000"),
        text("a\tb\nc"),
        text("\x00"),
        text("   "),
        text(""),
        text("x" * 120),
        text("x" * 300),
        text("19121212-1212"),
        text("SE2321000016-1AB2"),
        text("SE2321000016 - 1AB2"),
        text("196408233234"),
        text("ab-cd"),
        text("\u00d7\u00f7"),
        (UTF8, b"\xff\xfe"),
        (UTF8, b"\xc0\xaf"),
        (PRINTABLE, b"a@b"),
        (PRINTABLE, b"a_b"),
        (PRINTABLE, b"\xe5"),
        (PRINTABLE, b"12 (a) + b/c = d?"),
        (0x14, b"\xc5sa"),
        (0x14, b"\x9d"),
        (0x16, b"ia5@example"),
        (0x1E, "Åsa".encode("utf-16-be")),
        (0x1E, b"\x00"),
        (0x1C, "Åsa".encode("utf-32-be")),
        (5, b""),
        (INTEGER, b"\x01"),
        (SEQUENCE, b""),
    )
    place = draw.randrange(len(draft.subject))
    dotted = (
        draft.subject[place][0] if draw.random() < 0.8 else draw.choice(("1.2.3", "2.5.4.11", "2.5.4.999", "2.5.4.12"))
    )
    draft.subject[place] = (dotted, *draw.choice(values))


def _fewer_attributes(draft: Draft, draw: random.Random) -> None:
    draft.subject = [attribute for attribute in draft.subject if draw.random() < 0.6]


def _more_attributes(draft: Draft, draw: random.Random) -> None:
    more = (
        (COMMON_NAME, *text("Another")),
        (SERIAL_NUMBER, *text("SE2321000016-9")),
        ("1.2.840.113549.1.9.1", 0x16, b"a@region.example"),
        ("1.2.840.113549.1.9.1", 0x16, b"a@\xff"),
        ("1.2.840.113549.1.9.1", 0x16, b"a@xn--zzzzzz99999"),
        ("0.9.2342.19200300.100.1.25", 0x16, b"example"),
        ("2.5.4.11", *text("Unit")),
        ("2.5.4.7", *text("Östersund")),
        ("2.5.4.12", *text("Dr")),
        ("2.5.4.45", BIT_STRING, b"\0x"),
    )
    for _ in range(draw.choice((1, 1, 3))):
        draft.subject.insert(draw.randrange(len(draft.subject) + 1), draw.choice(more))
    if draw.random() < 0.2:
        draft.subject += [draft.subject[-1]] * 3


def _odd_name(draft: Draft, draw: random.Random) -> None:
    common = tlv(SEQUENCE, oid(COMMON_NAME), tlv(UTF8, b"A"))
    draft.name = draw.choice(
        (
            tlv(SEQUENCE),
            draft.issuer_name,
            draft.issuer_name.swapcase() if draft.issuer_name.isascii() else draft.issuer_name,
            tlv(SEQUENCE, tlv(SET, common, tlv(SEQUENCE, oid(GIVEN_NAME), tlv(UTF8, b"B")))),
            tlv(SEQUENCE, tlv(SET, common), tlv(SET)),
            tlv(SEQUENCE, tlv(SEQUENCE, common)),
            tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, oid(COMMON_NAME), tlv(UTF8, b"A"), tlv(5)))),
            tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, oid(COMMON_NAME)))),
            tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, tlv(6), tlv(UTF8, b"A")))),
            tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, b"\x06\x04\x55\x04\x80\x03", tlv(UTF8, b"A")))),
            tlv(SET),
        )
    )


def _another_issuer_name(draft: Draft, draw: random.Random) -> None:
    other = draw.choice(draft.world.issuers).name
    draft.issuer_name = draw.choice((other, tlv(SEQUENCE), draft.issuer_name.replace(b"SIM", b"sim"), tlv(SET)))


def _key_usage(draft: Draft, draw: random.Random) -> None:
    values = (
        "03020780",
        "03020106",
        "030205a0",
        "0303070080",
        "030100",
        "03020780ff",
        "040180",
        "0302ff80",
        "03020680",
    )
    draft.replace(KEY_USAGE, extension(KEY_USAGE, bytes.fromhex(draw.choice(values)), draw.choice((b"", TRUE))))


def _basic_constraints(draft: Draft, draw: random.Random) -> None:
    values = (
        "3000",
        "30030101ff",
        "30060101ff020100",
        "3003010100",
        "3003010101",
        "3003020105",
        "0500",
        "30060101ff0201ff",
    )
    draft.extensions.append(extension(BASIC, bytes.fromhex(draw.choice(values)), draw.choice((b"", TRUE))))


def _key_identifier(draft: Draft, draw: random.Random) -> None:
    values = (
        tlv(OCTETS),
        tlv(OCTETS, b"k" * 8),
        tlv(OCTETS, b"k" * 32),
        tlv(OCTETS, b"k" * 200),
        b"k" * 20,
        b"",
        tlv(3, b"k"),
    )
    made = extension(KEY_IDENTIFIER, draw.choice(values), draw.choice((b"", b"", TRUE)))
    draft.replace(KEY_IDENTIFIER, *draw.choice(((), (made,), (made,), (made, made))))


def _authority_key(draft: Draft, draw: random.Random) -> None:
    other, issuer = draw.choice(draft.world.issuers), draft.issuer
    serial = tlv(0x82, issuer.serial.to_bytes(21).lstrip(b"\0"))
    by_serial = tlv(0xA1, tlv(0xA4, issuer.name))
    values = (
        tlv(SEQUENCE),
        tlv(SEQUENCE, tlv(0x80, other.key_identifier)),
        tlv(SEQUENCE, tlv(0x80, issuer.key_identifier), by_serial, serial),
        tlv(SEQUENCE, by_serial, tlv(0x82, b"\x01")),
        tlv(SEQUENCE, by_serial),
        tlv(SEQUENCE, tlv(0x80, b"")),
        tlv(5),
    )
    draft.replace(AUTHORITY_KEY, *draw.choice(((), (extension(AUTHORITY_KEY, draw.choice(values)),))))


def _alternative_names(draft: Draft, draw: random.Random) -> None:
    names = (
        tlv(0x81, b"anna@region.example"),
        tlv(0x81, b"anna@other.example"),
        tlv(0x81, b"anna"),
        tlv(0x81, b"anna@"),
        tlv(0x81, b"anna@xn--bcher-kva.example"),
        tlv(0x81, b"anna@xn--\x80.example"),
        tlv(0x81, b"anna@" + b"x" * 70 + b".example"),
        tlv(0x81, b"anna@XN--99999.example"),
        tlv(0x81, b"a\xffb@region.example"),
        tlv(0x81, b""),
        tlv(0x82, b"region.example"),
        tlv(0x82, b"other.example"),
        tlv(0x86, b"http://region.example/"),
        tlv(0x87, b"\x7f\0\0\1"),
        tlv(0x87, b"\x7f"),
        tlv(0x88, b"\x2a"),
        tlv(0xA4, draft.issuer.name),
        tlv(0xA4, tlv(5)),
        principal(b"anna@region.example"),
        principal("åsa".encode()),
        principal(b""),
        principal(b"\xff"),
        tlv(0xA0, oid("1.2.3"), tlv(0xA0, tlv(5))),
        tlv(0xA0, oid("1.2.3")),
        tlv(0x9F, b"?"),
    )
    listed = [draw.choice(names) for _ in range(draw.choice((0, 1, 1, 2, 3)))]
    made = extension(ALTERNATIVE_NAMES, tlv(SEQUENCE, *listed), draw.choice((b"", b"", TRUE)))
    draft.replace(ALTERNATIVE_NAMES, made)


def _card_number(draft: Draft, draw: random.Random) -> None:
    values = (
        tlv(PRINTABLE, b"9752269895715989469"),
        tlv(UTF8, b"9752269895715989469"),
        tlv(0x16, b"9752 2698"),
        tlv(PRINTABLE, b""),
        tlv(PRINTABLE, b"9" * 64),
        tlv(PRINTABLE, b"9" * 65),
        tlv(PRINTABLE, b"9" * 130),
        tlv(PRINTABLE, b"\x01"),
        tlv(PRINTABLE, b"975A"),
        tlv(PRINTABLE, b"9752") + b"\0",
        b"\x13\x81\x019",
        b"",
        tlv(OCTETS, b"9752"),
    )
    made = extension(CARD_NUMBER, draw.choice(values), draw.choice((b"", TRUE)))
    draft.replace(CARD_NUMBER, *draw.choice(((made,), (made,), (), (made, made))))


def _policies(draft: Draft, draw: random.Random) -> None:
    chosen = [
        draw.choice(("1.2.752.74.8.1", "1.2.752.74.8.505", "2.5.29.32.0", "1.2.3")) for _ in range(draw.randrange(3))
    ]
    value = tlv(SEQUENCE, *(tlv(SEQUENCE, oid(one)) for one in chosen))
    draft.replace(POLICIES, *draw.choice(((), (extension(POLICIES, value, draw.choice((b"", TRUE))),))))


def _more_extensions(draft: Draft, draw: random.Random) -> None:
    value, critical = draw.choice((b"\x05\x00", b"", b"?", tlv(SEQUENCE))), draw.choice((b"", TRUE))
    dotted = ("1.2.752.999.3", "1.3.6.1.5.5.7.1.3", "2.5.29.9", "2.5.29.16", "2.5.29.18", "2.5.29.46", "2.5.29.54")
    made = draw.choice(
        (
            extension(draw.choice((*dotted, CONSTRAINTS, POINTS, ACCESS, EXTENDED_USAGE)), value, critical),
            extension(EXTENDED_USAGE, tlv(SEQUENCE, oid("1.3.6.1.5.5.7.3.2")), critical),
            extension("2.5.29.36", bytes.fromhex("3003800100"), critical),
            extension(CONSTRAINTS, tlv(SEQUENCE, tlv(0xA0, tlv(SEQUENCE, tlv(0x82, b"x.example")))), critical),
            extension("1.2.752.999.3", value, b"\x01\x01\x00"),
            extension("1.2.752.999.3", value, b"\x01\x01\x01"),
            extension("1.2.752.999.3", value, b"\x01\x00"),
            tlv(SEQUENCE, oid("1.2.752.999.3")),
            tlv(SEQUENCE),
            tlv(5),
            draw.choice(draft.extensions) if draft.extensions else tlv(5),
        )
    )
    draft.extensions.insert(draw.randrange(len(draft.extensions) + 1), made)


def _fewer_extensions(draft: Draft, draw: random.Random) -> None:
    draft.extensions = [one for one in draft.extensions if draw.random() < 0.7]


def _other_order(draft: Draft, draw: random.Random) -> None:
    draw.shuffle(draft.extensions)


def _unique_identifiers(draft: Draft, draw: random.Random) -> None:
    draft.behind_key = draw.choice((tlv(0x81, b"\0x"), tlv(0x82, b"\0x"), tlv(0xA1, tlv(5)), tlv(5)))


CHANGES: tuple[Change, ...] = (
    _one_attribute,
    _one_attribute,
    _fewer_attributes,
    _more_attributes,
    _odd_name,
    _another_issuer_name,
    _key_usage,
    _basic_constraints,
    _key_identifier,
    _authority_key,
    _alternative_names,
    _alternative_names,
    _card_number,
    _policies,
    _more_extensions,
    _more_extensions,
    _fewer_extensions,
    _other_order,
    _unique_identifiers,
)
