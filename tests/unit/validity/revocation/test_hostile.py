"""Answers that somebody on the way has changed: never good for what is revoked, and never an error."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import core
from asn1crypto import ocsp as ocsp_structures
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from revoking import DAY, HOUR, REVOKED, UNKNOWN, Office, scope, tlv

from sithsd.certificate.read import read
from sithsd.validity.revocation import crl, ocsp
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus

HOLD, REMOVED = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl
ODD = "1.2.752.999.3"
STEADY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)


@st.composite
def changes(draw: st.DrawFn) -> Callable[[bytes, bytes], bytes]:
    """Draw a change of some bytes: a few other ones, a part left out, doubled, moved, or taken from a second answer."""
    kind = draw(st.sampled_from(("bytes", "cut", "double", "graft", "end", "swap")))
    places = draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=3, max_size=3))
    values = draw(st.lists(st.integers(1, 255), min_size=1, max_size=4))
    length = draw(st.integers(1, 40))

    def change(content: bytes, other: bytes) -> bytes:
        first, second, third = (int(place * len(content)) for place in places)
        if kind == "bytes":
            changed = bytearray(content)
            for place, value in zip((first, second, third), values, strict=False):
                changed[place] ^= value
            return bytes(changed)
        if kind == "cut":
            return content[:first] + content[first + length :]
        if kind == "double":
            return content[:first] + content[first : first + length] + content[first:]
        if kind == "end":
            return content[:first] if values[0] % 2 else content + bytes(values)
        if kind == "swap":
            low, high = sorted((first, second))
            return content[:low] + content[high:] + content[low:high]
        return content[:first] + other[first : first + length] + content[first + length :]

    return change


class Answers:
    """What somebody on the way has: signed answers, none of which says that the person's certificate is good."""

    def __init__(self, office: Office) -> None:
        delegate = office.delegate()
        self.responses = [
            office.respond(REVOKED, reason=x509.ReasonFlags.key_compromise),
            office.respond(UNKNOWN),
            office.respond(about=office.other),
            office.respond(REVOKED, signer=delegate, enclosed=[delegate]),
            office.respond(about=office.other, signer=delegate, enclosed=[delegate]),
            office.respond(made=-9 * DAY),
        ]
        self.good = office.respond(signer=delegate, enclosed=[delegate])
        foreign = office.forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", office.root)
        self.lists = [
            office.list([office.entry(office.other), office.entry(reason=HOLD)], number=5),
            office.list([office.entry(office.other)], number=6, base=5),
            office.list(point=scope("http://crl.sim/other.crl")),
            office.list(signer=foreign),
            office.list([office.entry()], point=scope(users=True), number=5),
            office.list(made=-9 * DAY),
        ]
        self.clean = office.list([office.entry(office.other)], number=7)


@pytest.fixture(scope="module")
def answers(office: Office) -> Answers:
    """Return them, made once."""
    return Answers(office)


@STEADY
@given(change=changes(), one=st.integers(0, 5), two=st.integers(0, 5))
def test_changed_responses_make_nothing_good(
    office: Office, answers: Answers, change: Callable[[bytes, bytes], bytes], one: int, two: int
) -> None:
    """Out of answers that are revoked, unknown, another's or outdated no change makes a good one."""
    content = change(answers.responses[one], answers.responses[two])
    evidence = ocsp.examine(content, office.certificate, office.ca, office.now)
    assert evidence.status is not RevocationStatus.GOOD


@STEADY
@given(change=changes(), two=st.integers(0, 5))
def test_a_changed_good_response_says_nothing_else(
    office: Office, answers: Answers, change: Callable[[bytes, bytes], bytes], two: int
) -> None:
    """Either it proves nothing, or the change was where nothing is read, and it says what it said to the letter."""
    before = ocsp.examine(answers.good, office.certificate, office.ca, office.now)
    assert before.status is RevocationStatus.GOOD
    for content in (change(answers.good, answers.responses[two]), change(answers.responses[two], answers.good)):
        evidence = ocsp.examine(content, office.certificate, office.ca, office.now)
        assert evidence.status is not RevocationStatus.GOOD or evidence == before


@STEADY
@given(change=changes(), one=st.integers(0, 5), two=st.integers(0, 5))
def test_changed_lists_make_nothing_good(
    office: Office, answers: Answers, change: Callable[[bytes, bytes], bytes], one: int, two: int
) -> None:
    """Out of lists that name the certificate, are others' or outdated, alone or in company, no good one comes."""
    content = change(answers.lists[one], answers.lists[two])
    for lists in ([content], [answers.lists[0], content], [content, answers.lists[1]]):
        evidence = crl.examine(lists, office.certificate, office.ca, office.now)
        assert evidence.status is not RevocationStatus.GOOD


@STEADY
@given(change=changes(), two=st.integers(0, 5))
def test_a_changed_good_list_says_nothing_else(
    office: Office, answers: Answers, change: Callable[[bytes, bytes], bytes], two: int
) -> None:
    """The same as for responses."""
    before = crl.examine([answers.clean], office.certificate, office.ca, office.now)
    assert before.status is RevocationStatus.GOOD
    for content in (change(answers.clean, answers.lists[two]), change(answers.lists[two], answers.clean)):
        evidence = crl.examine([content], office.certificate, office.ca, office.now)
        assert evidence.status is not RevocationStatus.GOOD or evidence == before


@STEADY
@given(content=st.binary(max_size=400), behind=st.binary(max_size=4))
def test_any_bytes_are_examined(office: Office, content: bytes, behind: bytes) -> None:
    """Bytes that are no answer, and a byte too many behind one, prove nothing."""
    for given_bytes in (content, b"\x30" + content, content + behind):
        found = ocsp.examine(given_bytes, office.certificate, office.ca, office.now)
        assert (found.status, found.failure) == (RevocationStatus.UNKNOWN, Failure.INVALID) or len(given_bytes) < 20
        assert crl.examine([given_bytes], office.certificate, office.ca, office.now).failure is Failure.INVALID


def signed_again(office: Office, response: bytes, change: Callable[[Any], None]) -> bytes:
    """Change what a response says, and have the CA sign it: what a responder with odd ideas would send."""
    whole = ocsp_structures.OCSPResponse.load(response)
    basic = whole.basic_ocsp_response
    change(basic["tbs_response_data"])
    basic["signature"] = office.issuer.key.sign(basic["tbs_response_data"].dump(force=True), ec.ECDSA(hashes.SHA256()))
    parts = {"response_type": "basic_ocsp_response", "response": basic}
    return bytes(ocsp_structures.OCSPResponse({"response_status": "successful", "response_bytes": parts}).dump())


def single(office: Office, status: str, *, extension: Any = None, made: timedelta = -HOUR) -> Any:
    """Make one answer about the person's certificate."""
    name = ocsp_structures.OCSPResponse.load(office.respond()).basic_ocsp_response["tbs_response_data"]["responses"][0]
    told: dict[str, Any] = {"good": core.Null(), "unknown": core.Null()}
    told["revoked"] = ocsp_structures.RevokedInfo({"revocation_time": office.now - DAY})
    answer = {
        "cert_id": name["cert_id"],
        "cert_status": ocsp_structures.CertStatus(status, told[status]),
        "this_update": office.now + made,
        "next_update": office.now + DAY,
    }
    if extension is not None:
        answer["single_extensions"] = [extension]
    return ocsp_structures.SingleResponse(answer)


def odd(*, critical: bool) -> Any:
    """Make an extension that nobody knows."""
    return {"extn_id": ODD, "critical": critical, "extn_value": core.ParsableOctetString(b"\x05\x00")}


def answering(office: Office, *singles: Any) -> Evidence:
    """Ask what a response with these answers proves."""

    def change(told: Any) -> None:
        told["responses"] = list(singles)

    response = signed_again(office, office.respond(), change)
    return ocsp.examine(response, office.certificate, office.ca, office.now)


def test_of_answers_that_contradict_each_other_the_worst_counts(office: Office) -> None:
    """Revoked before unknown before good, in any order; of two good ones the newer."""
    for states in itertools.permutations(("good", "unknown", "revoked")):
        assert answering(office, *(single(office, state) for state in states)).status is RevocationStatus.REVOKED
    for states in itertools.permutations(("good", "unknown")):
        evidence = answering(office, *(single(office, state) for state in states))
        assert evidence.failure is Failure.NOT_KNOWN_THERE
    newest = answering(office, single(office, "good", made=-2 * HOUR), single(office, "good"))
    assert newest.this_update == office.now - HOUR
    assert answering(office).detail == "the response is not about this certificate"


def test_a_critical_extension_of_one_answer(office: Office) -> None:
    """One that is not known makes the answer useless, whatever it says; one that is not critical is passed over."""
    assert answering(office, single(office, "good", extension=odd(critical=False))).status is RevocationStatus.GOOD
    for state in ("good", "revoked", "unknown"):
        evidence = answering(office, single(office, state, extension=odd(critical=True)))
        assert (evidence.failure, evidence.detail) == (
            Failure.INVALID,
            f"it has a critical extension that is not known ({ODD})",
        )


def test_a_response_of_another_version(office: Office) -> None:
    """What a later version means is not known; the first one may be written out or not."""
    basic = ocsp_structures.OCSPResponse.load(office.respond()).basic_ocsp_response
    content = basic["tbs_response_data"].contents
    for version, good in ((b"", True), (b"\xa0\x03\x02\x01\x01", False)):
        signed = tlv(0x30, version + content)
        signature = tlv(0x03, b"\0" + office.issuer.key.sign(signed, ec.ECDSA(hashes.SHA256())))
        inner = tlv(0x04, tlv(0x30, signed + basic["signature_algorithm"].dump() + signature))
        kind = ocsp_structures.ResponseType("basic_ocsp_response").dump()
        response = tlv(0x30, b"\x0a\x01\x00" + tlv(0xA0, tlv(0x30, kind + inner)))
        evidence = ocsp.examine(response, office.certificate, office.ca, office.now)
        assert (evidence.status is RevocationStatus.GOOD) is good
        assert evidence.detail == (None if good else "the response is malformed")


def line(serial: bytes, date: bytes = b"\x17\x0d270101000000Z", more: bytes = b"") -> bytes:
    """Make an entry byte for byte."""
    return tlv(0x30, tlv(0x02, serial) + date + more)


REASON = bytes.fromhex("300c300a0603551d1504030a0101")
FINE = line(b"\x05") + line(b"\x06", more=REASON)
MALFORMED_ENTRIES = [
    line(b""),
    line(b"\x00" * 200),
    line(b"\x01" * 130),
    line(b"\x07", b""),
    line(b"\x07", b"\x17\x0d27010100000"),
    line(b"\x07", b"\x17\x0d279901000000Z"),
    line(b"\x07", b"\x04\x0d270101000000Z"),
    line(b"\x07", more=b"\x30\x02\x05\x00"),
    line(b"\x07", more=REASON + b"\x05\x00"),
    line(b"\x07", more=b"\x04\x01\x00"),
    tlv(0x31, line(b"\x07")),
    b"\x30",
    b"\x30\x05\x02\x01",
    b"\x30\x80\x00\x00",
    b"\x30\x85\x00\x00\x00\x00\x01\x00",
    b"\x00\x00",
]


@pytest.mark.parametrize("entry", MALFORMED_ENTRIES)
@pytest.mark.parametrize("place", ["first", "last"])
def test_an_entry_that_can_not_be_read_makes_a_list_useless(office: Office, entry: bytes, place: str) -> None:
    """A list with a malformed line makes nobody good, though its signature is right."""
    content = entry + FINE if place == "first" else FINE + entry
    assert crl.examine([office.raw_list(FINE)], office.certificate, office.ca, office.now).failure is None
    evidence = crl.examine([office.raw_list(content)], office.certificate, office.ca, office.now)
    assert evidence.failure is Failure.INVALID


def test_a_reason_that_can_not_be_read_makes_nobody_good(office: Office) -> None:
    """A reason code that does not exist, or is no code, in the very certificate's entry."""
    serial = office.certificate.serial_number.to_bytes(20, "big")
    for code in (b"\x0a\x01\x07", b"\x0a\x01\x63", b"\x04\x01\x01", b"", b"\x0a\x00"):
        more = tlv(0x30, tlv(0x30, bytes.fromhex("0603551d15") + tlv(0x04, code)))
        evidence = crl.examine([office.raw_list(line(serial, more=more))], office.certificate, office.ca, office.now)
        assert evidence.status is not RevocationStatus.GOOD


def test_old_and_unfinished_lists(office: Office) -> None:
    """A list without a next update is not used (RFC 5280, 5.1.2.5); nor one of a version that does not exist.

    One that does not tell its version is of the first.
    """
    fine = crl.examine([office.raw_list(FINE)], office.certificate, office.ca, office.now)
    assert fine.status is RevocationStatus.GOOD
    endless = crl.examine([office.raw_list(FINE, due=False)], office.certificate, office.ca, office.now)
    assert "the list has no next update" in (endless.detail or "")
    for version, failure in ((2, Failure.INVALID), (7, Failure.INVALID), (None, None)):
        content = office.raw_list(FINE, version=version)
        assert crl.examine([content], office.certificate, office.ca, office.now).failure is failure


def test_serial_numbers_that_look_alike(office: Office) -> None:
    """Numbers with the same end, negative ones and zero are told apart: none is revoked for another."""
    numbers = [0, 1, -1, 127, 128, 255, 256, 1 << 39, (1 << 39) + 1, 1 << 158, (1 << 158) + 1, -(1 << 39), -(1 << 62)]
    octets = {
        number: number.to_bytes((number ^ number >> 200).bit_length() // 8 + 1, "big", signed=True)
        for number in numbers
    }
    for left_out in numbers:
        entries = b"".join(line(octets[number]) for number in numbers if number != left_out)
        found = crl.parse(office.raw_list(entries), office.ca)
        assert found.lookup(left_out) is None
        assert all(found.lookup(number) for number in numbers if number != left_out)
        assert set(found.entries.serial_numbers()) == set(numbers) - {left_out}


def test_half_a_million_entries(office: Office) -> None:
    """As many are read at once and found as cryptography finds them, with eight bytes for each beside the list."""
    count = 500_000
    serials = [((index * 0x9E3779B97F4A7C15F39CC0605CEDC835) & ((1 << 150) - 1)) | 1 << 150 for index in range(count)]
    entries = b"".join(line(serial.to_bytes(19, "big"), more=REASON) for serial in serials)
    content = office.raw_list(entries)
    found = crl.parse(content, office.ca)
    assert len(found.entries) == count
    assert found.entries._index.itemsize * len(found.entries._index) == 8 * count
    theirs = x509.load_der_x509_crl(content)
    for serial in (serials[0], serials[count // 2], serials[-1], 5):
        ours, expected = found.lookup(serial), theirs.get_revoked_certificate_by_serial_number(serial)
        assert (ours is None) is (expected is None)
        if ours is not None and expected is not None:
            assert ours.revoked_at == expected.revocation_date_utc
            assert ours.reason is x509.ReasonFlags.key_compromise
    assert all(serial in found.entries for serial in serials[::1000])
    assert not any(serial + 1 in found.entries for serial in serials[::1000])
    assert crl.weigh([found], office.certificate, office.ca, office.now).status is RevocationStatus.GOOD


def test_a_certificate_of_another_issuer(office: Office) -> None:
    """A number that a CA knows says nothing of the same number under another CA: neither over OCSP nor by a list."""
    namesake = office.forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", office.root)
    stranger = office.forge.authority("SIM Stranger", office.root)
    fine = crl.parse(office.list(), office.ca)
    for other in (namesake, stranger):
        certificate = read(office.forge.person(issuer=other).der)
        response = office.respond()
        assert (
            ocsp.examine(response, certificate, office.ca, office.now).detail == "the certificate is not the issuer's"
        )
        told = crl.examine([office.list()], certificate, office.ca, office.now)
        assert told.detail == "the certificate is not the issuer's"
    assert crl.weigh([fine], read(office.forge.person(issuer=stranger).der), office.ca, office.now).failure


def test_moments_at_the_ends_of_the_calendar(office: Office) -> None:
    """Whatever the clock says, there is an answer."""
    for at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert ocsp.examine(office.respond(), office.certificate, office.ca, at).failure is not None
        assert crl.examine([office.list()], office.certificate, office.ca, at).failure is not None


def test_texts_from_outside_have_a_length_for_people(office: Office) -> None:
    """A responder's name of a thousand letters is cut."""
    names = [(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, f"{number:060d}") for number in range(20)]
    delegate = office.delegate(more=names)
    evidence = ocsp.examine(
        office.respond(signer=delegate, enclosed=[delegate]), office.certificate, office.ca, office.now
    )
    assert evidence.status is RevocationStatus.GOOD
    assert len(evidence.signer or "") == 256
