"""Replies as programs have them, and what the library brings along."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import sithsd.client
from sithsd.api import code_wire, wire
from sithsd.client import model
from tests.unit.client.signer import CHALLENGE, HSA_ID, Signer

PAIRS = {
    **{name: name for name in ("Verdict", "CodeState", "Certificate", "Holder", "Card", "Reader", "Notice")},
    "Picture": "ListReply",
    "Change": "MonitorReply",
    "Certificates": "CertificatesReply",
    "Advice": "Advice",
    "Validity": "ValidityReply",
    "Codes": "CodesReply",
    "Signature": "SignReply",
    "Authentication": "AuthenticateReply",
}


@pytest.mark.parametrize(("own", "exact"), PAIRS.items())
def test_every_field_of_the_wire_is_there(own: str, exact: str) -> None:
    """What the daemon tells, a program can see, by the same name."""
    shape, told = getattr(model, own), getattr(wire, exact, None) or getattr(code_wire, exact)
    assert set(shape.__struct_encode_fields__) == set(told.__struct_encode_fields__)


@pytest.mark.parametrize("own", PAIRS)
def test_replies_can_not_be_changed(own: str) -> None:
    """What was checked stays what it was."""
    assert getattr(model, own).__struct_config__.frozen


def test_a_newer_daemon_is_understood(mine: Signer) -> None:
    """States, kinds and fields that this release does not know are no error."""
    card = {"serial": "1", "kind": "golden", "environment": "mars", "certificates": [mine.certificate("payment")]}
    reader = {"name": "R", "state": "dreaming", "sequence": 1, "newer": 1, "card": card}
    got = msgspec.convert({"readers": [reader], "sequence": 1, "more": {}}, model.Picture)
    assert (got.readers[0].state, got.cards[0].kind) == ("dreaming", "golden")
    assert got.cards[0].certificates[0].purpose == "payment"


def test_no_repr_tells_whose_it_is(mine: Signer) -> None:
    """What a program logs by mistake names no person and no number."""
    reply = mine.proof(CHALLENGE, sithsd.client.SignatureAlgorithm.ECDSA_SHA256)
    proof = msgspec.convert(reply, model.Authentication)
    holder = model.Holder(display_name="Tolvan Tolvansson", personal_identity_number="191212121212")
    told = repr(proof) + repr(model.Card(holder=holder, certificates=(proof.certificate,)))
    assert proof.certificate.fingerprint[:16] in told
    assert not any(word in told for word in ("Tolvan", "191212121212", HSA_ID))


def test_the_library_loads_nothing_that_reads_cards() -> None:
    """A log-in client needs no PC/SC, no PKCS#11 and none of the daemon's rooms."""
    seen = "import sys, sithsd.client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout.split()
    assert "cryptography" in loaded
    tops = {name.split(".")[0] for name in loaded}
    assert not tops & {"smartcard", "asn1crypto", "pkcs11", "pyhanko_certvalidator", "structlog", "click", "rich"}
    rooms = {name.split(".")[1] for name in loaded if name.startswith("sithsd.")}
    assert rooms == {"api", "client", "errors", "locations", "secret", "values"}


def test_what_it_offers_is_typed_and_documented() -> None:
    """Each name that is exported has a docstring; each public method of both clients too, and they have the same."""
    for name in sithsd.client.__all__:
        assert getattr(sithsd.client, name).__doc__, name
    methods = [
        {name: method for name, method in vars(kind).items() if not name.startswith("_")}
        for kind in (sithsd.client.Client, sithsd.client.AsyncClient)
    ]
    assert set(methods[0]) == set(methods[1])
    assert all(method.__doc__ for one in methods for method in one.values())
    assert (Path(sithsd.client.__file__).parents[1] / "py.typed").exists()


def test_a_programs_types_are_checked(tmp_path: Path) -> None:
    """A type checker sees what a program does with the library: right and wrong."""
    program = tmp_path / "program.py"
    program.write_text(
        "from sithsd.client import AsyncClient, Client\n"
        "async def main() -> bytes:\n"
        "    proof = await AsyncClient().authenticate(identity='hsaId', code=b'123456')\n"
        "    return proof.signature\n"
        "text: str = Client().sign(bytes(32), 'a letter', pin_pad=True).signature\n"
        "Client().authenticate(idenity='hsaId')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file=", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line]
    assert lines == ["5", "6"], done.stdout + done.stderr
