"""Answers to reset: ISO/IEC 7816-3:2006, 8.2, tried on published ATRs."""

import pytest

from sithsd.iso7816.atr import AtrError, Rate, parse

MYEID = bytes.fromhex("3BF51800008131FE454D794549449A")
RESERVE = bytes.fromhex("3B7F96000080318065B08504001112 02F0 829000")
NATIONAL_ID = bytes.fromhex("3B7F96000080318065B08504001112 0FFF 829000")
TELIA = bytes.fromhex("3B7D96000080318065B0A31101F383009000")


def test_a_card_without_a_protocol_byte_speaks_t0() -> None:
    """Without TD1 the protocol is T=0, and there is no check byte (8.2.3, 8.2.5)."""
    atr = parse(TELIA)
    assert atr.protocols == (0,)
    assert atr.historical == bytes.fromhex("80318065B0A31101F383009000")
    assert atr.raw == TELIA


def test_fifteen_historical_bytes_are_read() -> None:
    """The historical bytes are as many as the low half of T0 says: here the most there can be."""
    assert len(parse(RESERVE).historical) == 15


def test_a_protocol_named_twice_is_offered_once() -> None:
    """TD1 and TD2 both name T=1; the check byte at the end is not part of the historical bytes."""
    atr = parse(MYEID)
    assert atr.protocols == (1,)
    assert atr.historical == b"MyEID"


def test_the_first_protocol_named_comes_first() -> None:
    """The first TD names the protocol used by default (8.2.3), so its place in the row is kept."""
    assert parse(bytes.fromhex("3B80800101")).protocols == (0, 1)


def test_t15_is_not_a_protocol() -> None:
    """T=15 introduces global interface bytes; the card still speaks T=0, and a check byte is there (8.2.5)."""
    raw = bytes.fromhex("3B80801F05")
    raw += bytes([raw[1] ^ raw[2] ^ raw[3] ^ raw[4]])
    assert parse(raw).protocols == (0,)


def test_the_inverse_convention_is_known() -> None:
    """TS 3F is the other of the two conventions (8.1)."""
    assert parse(b"\x3f\x00").protocols == (0,)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("", "2 to 33 bytes"),
        ("3B", "2 to 33 bytes"),
        ("3B" + "00" * 33, "2 to 33 bytes"),
        ("0000", "TS is 00"),
        ("3B80", "interface byte"),
        ("3B8080", "interface byte"),
        ("3B10", "header tells"),
        ("3B02AA", "header tells 4"),
        ("3B02AABBCC", "header tells 4"),
        ("3B8001", "header tells 4"),
        ("3B800182", "TCK"),
        (MYEID[:-1].hex() + "9B", "TCK"),
    ],
)
def test_a_malformed_atr_is_refused(raw: str, said: str) -> None:
    """Bytes that are not exactly one ATR raise AtrError, which says what is wrong."""
    with pytest.raises(AtrError, match=said):
        parse(bytes.fromhex(raw))


def test_a_mask_tells_which_bits_count() -> None:
    """Only the bits set in the mask are compared: one mask can fit a reserve card and a national identity card."""
    mask = bytearray(b"\xff" * len(RESERVE))
    mask[15:17] = b"\x00\x00"
    assert parse(RESERVE).matches(RESERVE)
    assert not parse(RESERVE).matches(NATIONAL_ID)
    assert parse(RESERVE).matches(NATIONAL_ID, bytes(mask))
    assert not parse(RESERVE).matches(bytes([0x3F, *NATIONAL_ID[1:]]), bytes(mask))


@pytest.mark.parametrize(
    ("value", "mask"), [(RESERVE[:-1], None), (RESERVE, b"\x00"), (RESERVE + b"\x00", b"\x00" * 21)]
)
def test_an_atr_of_another_length_never_matches(value: bytes, mask: bytes | None) -> None:
    """A hint of another length fits no card, whatever its mask says."""
    assert not parse(RESERVE).matches(value, mask)


@pytest.mark.parametrize(
    ("text", "rate", "specific"),
    [
        ("3B F5 18 00 00 81 31 FE 45 4D 79 45 49 44 9A", Rate(372, 12), False),
        ("3B 7F 96 00 00 80 31 80 65 B0 85 04 00 11 12 02 F0 82 90 00", Rate(512, 32), False),
        ("3B 65 00 00 53 49 4D 20 20", Rate(372, 1), False),
        ("3B 10 70", None, False),
        ("3B 90 95 10 11", Rate(512, 16), True),
    ],
)
def test_the_rate_that_is_offered(text: str, rate: Rate | None, specific: bool) -> None:
    """TA1 tells F and D (tables 7 and 8), none means 372 and 1, a reserved value nothing; TA2: no other rate."""
    atr = parse(bytes.fromhex(text))
    assert (atr.rate, atr.specific) == (rate, specific)
