"""OpenSC's pkcs15-tool, without any opensc.conf, judges the simulated card."""

import re
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sithsd.simulator.image import Role
from sithsd.simulator.renewal import Renewal

CODES = {
    "PIN": "123456",
    "SIGNATURE": "654321",
    "PUK": "12345678",
    "NEW": "246802",
    "WRONG": "000000",
    "WRONG_PUK": "00000000",
}
# T=1 and T=0 are two ways into one card, so both are judged.
both_protocols = pytest.mark.parametrize("name", ["ordinary", "ordinary-t0"])


def ask(table: Any, *arguments: str) -> str:
    """Call pkcs15-tool, which has to succeed; return what it said."""
    done = table.tool("pkcs15-tool", *arguments, codes=CODES)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(table: Any, *arguments: str) -> str:
    """Call pkcs15-tool, which has to fail; return what it said about that."""
    done = table.tool("pkcs15-tool", *arguments, codes=CODES)
    assert done.returncode != 0
    return done.stderr


def tries_left(table: Any, name: str = "ordinary") -> dict[str, int]:
    """Take the card out, and return the counters in its memory."""
    table.remove()
    card = table.shelf.card(name)
    return {str(role): card.tries_left(role) for role in Role}


def verify(code: str, reference: str) -> list[str]:
    """Return the arguments that verify the code in the variable `code`."""
    return ["--verify-pin", "--auth-id", reference, "--pin", f"env:{code}"]


def certificates(table: Any) -> list[x509.Certificate]:
    """Return the card's certificates, as pkcs15-tool lists and reads them."""
    idents = re.findall(r"^\tID +: ([0-9a-f]+)", ask(table, "-c"), re.MULTILINE)
    return [x509.load_pem_x509_certificate(ask(table, "--read-certificate", ident).encode()) for ident in idents]


@pytest.mark.parametrize("renewal", [Renewal(), Renewal(which=[2], same_keys=True)], ids=["all", "one"])
def test_a_renewed_card_has_the_new_certificates(table: Any, renewal: Renewal) -> None:
    """pkcs15-tool lists and reads what the desk wrote, and a right lastUpdate; the new keys sign for them."""
    table.insert("ordinary")
    before, told = certificates(table), ask(table, "--dump")
    table.remove()
    renewed = table.shelf.renew_certificates("ordinary", renewal).image
    table.insert("ordinary")
    after, tells = certificates(table), ask(table, "--dump")
    assert [one.public_bytes(Encoding.DER) for one in after] == [one.content for one in renewed.certificates]
    changed = [old != new for old, new in zip(before, after, strict=True)]
    assert changed == [renewal.which is None or number in renewal.which for number in range(1, 5)]
    updates = [re.search(r"Last update *: (\S+)", each) for each in (told, tells)]
    assert all(updates)
    assert len({update[1] for update in updates if update}) == 2
    (table.folder / "data").write_bytes(b"data")
    signed = table.tool(
        "pkcs11-tool", "--slot", "0", "--login", "--pin", "env:PIN", "--sign", "--id", "45",
        "--mechanism", "SHA256-RSA-PKCS", "--input-file", "data", "--output-file", "signature", codes=CODES,
    )  # fmt: skip
    assert signed.returncode == 0, signed.stderr
    key = after[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify((table.folder / "signature").read_bytes(), b"data", padding.PKCS1v15(), hashes.SHA256())


@both_protocols
def test_the_whole_card_is_dumped(table: Any, name: str) -> None:
    """OpenSC finds token, three codes, four keys and four certificates, with the links between them."""
    table.insert(name)
    dump = ask(table, "--dump")
    assert "PKCS#15 Card [SIM SITHS e-id kort]" in dump
    assert re.findall(r"^PIN \[(.*)\]", dump, re.MULTILINE) == ["Legitimering", "Underskrift", "PUK"]
    assert len(re.findall(r"^Private RSA Key \[", dump, re.MULTILINE)) == 4
    assert len(re.findall(r"^X\.509 Certificate \[", dump, re.MULTILINE)) == 4
    assert dump.count("min_len:6, max_len:8, stored_len:8") == 2
    assert dump.count("Pad char       : 0xFF") == 3
    assert re.search(r"\[Underskrift\]\n.*\n\tAuth ID        : 03\n\tID             : 02", dump)
    assert "unblockingPin" in dump
    assert dump.count("nonRepudiation") == 2


@pytest.mark.both_drivers
@both_protocols
def test_certificates_are_listed(table: Any, name: str) -> None:
    """Two pairs, named by purpose and identity."""
    table.insert(name)
    listed = ask(table, "--list-certificates")
    assert re.findall(r"^X\.509 Certificate \[(.*)\]", listed, re.MULTILINE) == [
        "Legitimering HSA-id",
        "Underskrift HSA-id",
        "Legitimering personlig e-legitimation",
        "Underskrift personlig e-legitimation",
    ]


@both_protocols
def test_a_certificate_is_read(table: Any, name: str) -> None:
    """The certificate read is the certificate that was issued, and names its holder."""
    table.insert(name)
    pem = ask(table, "--read-certificate", "45")
    certificate = x509.load_pem_x509_certificate(pem.encode())
    assert "Tolvan Tolvansson" in certificate.subject.rfc4514_string()
    image = table.shelf.card(name).image
    issued = next(file.content for file in image.files if file.path.endswith(b"\x43\x31"))
    assert certificate == x509.load_der_x509_certificate(issued)


@pytest.mark.both_drivers
@both_protocols
@pytest.mark.parametrize(("code", "reference"), [("PIN", "01"), ("SIGNATURE", "02")])
def test_both_pins_are_verified(table: Any, name: str, code: str, reference: str) -> None:
    """The right code is accepted by its own reference, and refused by the other."""
    table.insert(name)
    ask(table, *verify(code, reference))
    other = "02" if reference == "01" else "01"
    assert "PIN code" in refused(table, *verify(code, other))


def test_a_wrong_pin_costs_one_try(table: Any) -> None:
    """The counter falls by one for each wrong code, and no further for the tool's other commands."""
    table.insert("ordinary")
    refused(table, *verify("WRONG", "01"))
    ask(table, "--list-pins")
    assert tries_left(table) == {"authentication": 2, "signature": 3, "puk": 10}


@pytest.mark.both_drivers
def test_three_wrong_pins_block_and_the_puk_unblocks(table: Any) -> None:
    """The right code is refused as blocked; after unblocking the new one is accepted, the old one is not."""
    table.insert("ordinary")
    for _ in range(3):
        refused(table, *verify("WRONG", "01"))
    assert "blocked" in refused(table, *verify("PIN", "01"))
    ask(table, "--unblock-pin", "--auth-id", "01", "--puk", "env:PUK", "--new-pin", "env:NEW")
    ask(table, *verify("NEW", "01"))
    refused(table, *verify("PIN", "01"))
    assert tries_left(table) == {"authentication": 2, "signature": 3, "puk": 10}


@both_protocols
def test_the_puk_unblocks_either_pin(table: Any, name: str) -> None:
    """RESET RETRY COUNTER by the tool sets a new code, under both protocols."""
    table.insert(name)
    for reference in ("01", "02"):
        ask(table, "--unblock-pin", "--auth-id", reference, "--puk", "env:PUK", "--new-pin", "env:NEW")
        ask(table, *verify("NEW", reference))


def test_a_wrong_puk_costs_a_try_of_the_puk(table: Any) -> None:
    """The PUK has a counter of its own."""
    table.insert("ordinary")
    refused(table, "--unblock-pin", "--auth-id", "01", "--puk", "env:WRONG_PUK", "--new-pin", "env:NEW")
    assert tries_left(table) == {"authentication": 3, "signature": 3, "puk": 9}


@pytest.mark.both_drivers
@both_protocols
def test_a_pin_is_changed(table: Any, name: str) -> None:
    """CHANGE REFERENCE DATA by the tool: afterwards the new code is the right one."""
    table.insert(name)
    ask(table, "--change-pin", "--auth-id", "01", "--pin", "env:PIN", "--new-pin", "env:NEW")
    ask(table, *verify("NEW", "01"))
    refused(table, *verify("PIN", "01"))


def test_a_card_that_is_not_activated_is_activated(table: Any) -> None:
    """No code works before the PUK set it; then it does."""
    table.insert("inactive")
    refused(table, *verify("PIN", "01"))
    ask(table, "--unblock-pin", "--auth-id", "01", "--puk", "env:PUK", "--new-pin", "env:NEW")
    ask(table, *verify("NEW", "01"))


def test_a_blocked_card_is_blocked(table: Any) -> None:
    """The fixture's authentication PIN is blocked, its signature PIN is not."""
    table.insert("blocked")
    assert "blocked" in refused(table, *verify("PIN", "01"))
    ask(table, *verify("SIGNATURE", "02"))


@pytest.mark.both_drivers
def test_codes_survive_removal(table: Any) -> None:
    """A card that was taken out and put in again, by another process, has the counter it had."""
    table.insert("ordinary")
    refused(table, *verify("WRONG", "01"))
    table.remove()
    table.insert("ordinary")
    refused(table, *verify("WRONG", "01"))
    assert tries_left(table)["authentication"] == 1


@pytest.mark.parametrize(("name", "count"), [("old", 5), ("protected", 2), ("second", 6), ("foreign", 3)])
def test_every_kind_of_card_is_read(table: Any, name: str, count: int) -> None:
    """OpenSC lists as many certificates as the card is said to have."""
    table.insert(name)
    assert len(re.findall(r"^X\.509 Certificate \[", ask(table, "--list-certificates"), re.MULTILINE)) == count


@pytest.mark.parametrize("name", ["reserve", "strange"])
def test_cards_that_opensc_has_no_driver_for_are_refused(table: Any, name: str) -> None:
    """The ATR of the reserve card and a card without PKCS#15 are not taken for anything else."""
    table.insert(name)
    assert "Card is invalid or cannot be handled" in refused(table, "--dump")


@pytest.mark.both_drivers
def test_two_readers_hold_two_cards(table: Any) -> None:
    """The second reader's card is its own, with its own serial number."""
    table.insert("ordinary")
    table.insert("second", reader=1)
    serials = [re.search(r"Serial number  : (\w+)", ask(table, "--reader", str(number), "--dump")) for number in (0, 1)]
    assert None not in serials
    assert serials[0].group(1) != serials[1].group(1)


@pytest.mark.both_drivers
def test_a_swap_shows_the_other_card(table: Any) -> None:
    """After `swap` the tool reads the other card, though both have the same ATR."""
    table.insert("ordinary")
    before = ask(table, "--dump")
    table.swap("second")
    after = ask(table, "--dump")
    assert re.findall("Serial number.*", before) != re.findall("Serial number.*", after)
