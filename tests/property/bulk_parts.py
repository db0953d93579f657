"""What may be unusual about a certificate's dates, numbers, keys, signature and bytes."""

import random
from collections.abc import Iterator
from datetime import timedelta

from bulk_draft import Change, Draft
from bulk_world import BIT_STRING, INTEGER, NOW, SEQUENCE, oid, public, tlv, utc_time
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519


def _dates_at_the_edge(draft: Draft, draw: random.Random) -> None:
    moments = [NOW + timedelta(seconds=draw.choice((-1, 0, 1, -86400, 86400, -(10**8), 10**8))) for _ in range(2)]
    draft.validity = tlv(SEQUENCE, *map(utc_time, moments))


def _life_at_the_edge(draft: Draft, draw: random.Random) -> None:
    start = NOW - timedelta(days=1)
    end = start + timedelta(days=190, seconds=draw.choice((-1, 0, 1)))
    draft.validity = tlv(SEQUENCE, utc_time(start), utc_time(end))


def _dates_written_oddly(draft: Draft, draw: random.Random) -> None:
    odd = (
        tlv(0x18, b"20300101000000Z"),
        tlv(0x18, b"20500101000000Z"),
        tlv(0x18, b"99991231235959Z"),
        tlv(0x18, b"20300101000000.5Z"),
        tlv(0x17, b"3001010000Z"),
        tlv(0x17, b"300101000000+0100"),
        tlv(0x17, b"490101000000Z"),
        tlv(0x17, b"500101000000Z"),
        tlv(0x17, b"301301000000Z"),
        tlv(0x17, b"300230000000Z"),
        tlv(0x17, b"300101240000Z"),
        tlv(0x17, b"300101000060Z"),
        tlv(0x17, b"30010100000AZ"),
        tlv(0x17, b""),
        b"\x17\x81\x0d300101000000Z",
    )
    moments = [utc_time(NOW - timedelta(days=9)), draw.choice(odd)]
    draw.shuffle(moments)
    draft.validity = tlv(SEQUENCE, *moments, *([tlv(5)] if draw.random() < 0.1 else []))


def _serial_number(draft: Draft, draw: random.Random) -> None:
    known = draw.choice(draft.world.issuers).serial
    numbers = (
        b"",
        b"\x00",
        b"\x01",
        b"\x80",
        b"\xff\x01",
        b"\x00\x7f",
        b"\x00\x80",
        b"\x7f" * 20,
        b"\x00" + b"\xff" * 20,
        b"\x7f" * 21,
        draft.issuer.serial.to_bytes(21).lstrip(b"\0"),
        known.to_bytes(21).lstrip(b"\0"),
    )
    draft.serial = tlv(INTEGER, draw.choice(numbers))


def _version(draft: Draft, draw: random.Random) -> None:
    versions = (b"", "a003020100", "a003020101", "a003020103", "a00402020002", "a103020102", "a0020200")
    draft.version = bytes.fromhex(one) if isinstance(one := draw.choice(versions), str) else one


def _other_hash(draft: Draft, draw: random.Random) -> None:
    rsa_issuer = draft.issuer.algorithm[-1] == 0
    hashed, last = draw.choice(
        ((hashes.SHA1(), 5), (hashes.SHA384(), 12), (hashes.SHA512(), 13), (hashes.SHA224(), 14))  # noqa: S303 - it is to be refused
    )
    if not rsa_issuer:
        draft.algorithm = {
            5: tlv(SEQUENCE, oid("1.2.840.10045.4.1")),
            12: tlv(SEQUENCE, oid("1.2.840.10045.4.3.3")),
            13: tlv(SEQUENCE, oid("1.2.840.10045.4.3.4")),
            14: tlv(SEQUENCE, oid("1.2.840.10045.4.3.1")),
        }[last]
    else:
        draft.algorithm = tlv(SEQUENCE, oid(f"1.2.840.113549.1.1.{last}"), tlv(5))
    draft.hashed = hashed


def _other_algorithm(draft: Draft, draw: random.Random) -> None:
    draft.algorithm = draw.choice(
        (
            tlv(SEQUENCE, oid("1.2.840.113549.1.1.4"), tlv(5)),  # MD5
            tlv(SEQUENCE, oid("1.2.840.113549.1.1.11")),  # without NULL
            tlv(SEQUENCE, oid("1.2.840.10045.4.3.2"), tlv(5)),  # with NULL
            tlv(SEQUENCE, oid("1.2.840.113549.1.1.10")),  # PSS
            tlv(SEQUENCE, oid("1.2.752.999.1")),
            tlv(SEQUENCE, oid("1.2.840.10045.4.3.2")),
            tlv(SEQUENCE, oid("1.2.840.113549.1.1.11"), tlv(5)),
            tlv(SEQUENCE),
        )
    )


def _two_algorithms(draft: Draft, draw: random.Random) -> None:
    _other_algorithm(draft, draw)
    if draw.random() < 0.5:
        draft.outer, draft.algorithm = draft.algorithm, draft.issuer.algorithm
    else:
        draft.outer = draft.issuer.algorithm


def _broken_signature(draft: Draft, draw: random.Random) -> None:
    place, bit = draw.random(), 1 << draw.randrange(8)

    def flip(signature: bytes) -> bytes:
        changed = bytearray(signature)
        changed[int(place * len(changed))] ^= bit
        return bytes(changed)

    changes = (flip, lambda made: made[:-1], lambda made: made + b"\0", lambda _: b"", lambda made: b"\0" + made)
    draft.change_signature = draw.choice(changes)


def _unused_bits(draft: Draft, draw: random.Random) -> None:
    draft.unused = draw.choice((1, 2, 7, 8, 255))


def _signed_by_another(draft: Draft, draw: random.Random) -> None:
    name, algorithm = draft.issuer.name, draft.issuer.algorithm
    draft.issuer = draw.choice(draft.world.issuers)
    draft.issuer_name = name
    draft.algorithm = draw.choice((algorithm, draft.issuer.algorithm))


def _weak_key(draft: Draft, draw: random.Random) -> None:
    draft.public_key = public(draw.choice(draft.world.weak_holders))


def _key_of_an_authority(draft: Draft, draw: random.Random) -> None:
    other = draw.choice(draft.world.issuers)
    draft.public_key = public(draw.choice((other, draft.issuer)).key)
    if draw.random() < 0.4:
        draft.name = draw.choice((other.name, draft.issuer.name))


def _odd_key(draft: Draft, draw: random.Random) -> None:
    usual = draft.public_key
    changed = bytearray(usual)
    kind = draw.randrange(6)
    if kind == 0:
        changed[-6 if len(usual) > 200 else -1] ^= 1  # an even modulus, or a point beside the curve
    elif kind == 1:
        changed[-1] = 3
    elif kind == 2:
        place = min(33, len(usual) - 7)
        changed[place] ^= 0xFF
    elif kind == 3:
        changed = bytearray(usual[:-1])
    elif kind == 4:
        changed = bytearray(tlv(SEQUENCE, tlv(SEQUENCE, oid("1.2.752.999.2")), tlv(BIT_STRING, b"\0key")))
    else:
        changed = bytearray(public(ed25519.Ed25519PrivateKey.generate()))
    draft.public_key = bytes(changed)


def _changed_before_signing(draft: Draft, draw: random.Random) -> None:
    place, change, kind = draw.random(), draw.randrange(1, 256), draw.randrange(4)

    def changed(signed: bytes) -> bytes:
        made = bytearray(signed)
        at = 4 + int(place * (len(made) - 4))
        if kind < 2:
            made[at] ^= change
            return bytes(made)
        inner = made[4:at] + bytes((change,)) * (kind == 2) + made[at + (kind == 3) :]
        return tlv(SEQUENCE, bytes(inner))

    draft.change_signed = changed


def _changed_after_signing(draft: Draft, draw: random.Random) -> None:
    place, change = draw.random(), draw.randrange(1, 256)

    def changed(der: bytes) -> bytes:
        made = bytearray(der)
        made[int(place * len(made))] ^= change
        return bytes(made)

    draft.change_whole = changed


def _cut_or_longer(draft: Draft, draw: random.Random) -> None:
    place, tail = draw.random(), draw.choice((b"\0", b"\0\0\0", b"\xff\xff", b"x", b"\x30\x00", b"\0\xff"))
    draft.change_whole = draw.choice((lambda der: der[: int(place * len(der))], lambda der: der + tail))


def _longer_lengths(draft: Draft, draw: random.Random) -> None:
    """Write one length, of any element of the signed part, in a longer form than it needs, or in the indefinite one."""
    choice, form = draw.random(), draw.randrange(3)

    def changed(signed: bytes) -> bytes:
        places = list(_elements(signed, 0, len(signed)))
        path = places[int(choice * len(places))]
        return _rewritten(signed, path, form)

    draft.change_signed = changed


def _elements(der: bytes, at: int, end: int, above: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield the way to each element: the places of those that it is in, and its own."""
    while at < end:
        start, stop = _span(der, at)
        if stop > end:
            return
        yield (*above, at)
        if der[at] & 0x20:
            yield from _elements(der, start, stop, (*above, at))
        at = stop


def _span(der: bytes, at: int) -> tuple[int, int]:
    if at + 1 >= len(der):
        return at, len(der) + 1
    length, start = der[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        start += octets
        length = int.from_bytes(der[at + 2 : start])
    return start, start + length


def _rewritten(der: bytes, path: tuple[int, ...], form: int) -> bytes:
    at, *inner = path
    start, stop = _span(der, at)
    if inner:
        below = tuple(place - start for place in inner)
        return der[:at] + tlv(der[at], _rewritten(der[start:stop], below, form)) + der[stop:]
    content = der[start:stop]
    if form == 2 and der[at] & 0x20:
        return der[:at] + bytes((der[at], 0x80)) + content + b"\0\0" + der[stop:]
    octets = len(content).to_bytes(3 if form else (len(content).bit_length() + 7) // 8 or 1)
    if len(content) >= 0x80 and not form:
        octets = b"\0" + octets
    return der[:at] + bytes((der[at], 0x80 | len(octets))) + octets + content + der[stop:]


CHANGES: tuple[Change, ...] = (
    _dates_at_the_edge,
    _dates_at_the_edge,
    _life_at_the_edge,
    _dates_written_oddly,
    _serial_number,
    _version,
    _other_hash,
    _other_algorithm,
    _two_algorithms,
    _broken_signature,
    _unused_bits,
    _signed_by_another,
    _weak_key,
    _key_of_an_authority,
    _odd_key,
    _changed_before_signing,
    _changed_before_signing,
    _changed_before_signing,
    _changed_after_signing,
    _cut_or_longer,
    _longer_lengths,
    _longer_lengths,
)
