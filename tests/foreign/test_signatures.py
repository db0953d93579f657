"""Signatures of the real daemon with a simulated card, judged by openssl; and other people's varlink clients asking.

openssl has the certificate from `sithsctl certificates --pem`, which is another call than the one that signs.
"""

import base64
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any, TypedDict

import asyncvarlink
import pytest
import varlink

import sithsd.client
from sithsd.client import AsyncClient, Client, Purpose, Require, RequirementError, SithsdError
from sithsd.simulator.shelf import Shelf
from sithsd.simulator.stage import Stage

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CODES = "io.sithsd.Codes"
PIN, SIGNATURE_PIN, WRONG_PIN = "123456", "654321", "000000"
HSA = ("--identity", "hsaId")
# The shared house has nobody to ask about revocation.
UNCHECKED = ("--require", "goodOrRevocationUnchecked")


def _loaded(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


for _part in ("vpcd_card", "ifd_card", "wire", "model_card", "household", "desk"):
    _loaded(f"e2e_{_part}", HERE.parent / "e2e" / f"{_part}.py")
household, desk = sys.modules["e2e_household"], sys.modules["e2e_desk"]
clients = _loaded("foreign_varlink_clients", HERE / "test_varlink_clients.py")


@pytest.fixture(scope="module")
def shared_house(made_cards: Shelf) -> Iterator[Any]:
    """Run the daemon on a stage."""
    for name in ("ordinary", "expired", "reserve"):
        made_cards.card(name)
    made_cards.write_configuration()
    with Stage(2) as stage, closing(household.Household(stage, made_cards.folder.parent)) as made:
        made.start()
        yield made


@pytest.fixture
def house(shared_house: Any) -> Iterator[Any]:
    """Put the ordinary card into the daemon's reader. Afterwards the daemon has to be alive, without a fault."""
    shared_house.insert("ordinary")
    yield shared_house
    shared_house.tidy()


def openssl(*arguments: str | Path) -> str:
    """Run openssl, and return what it says, or "" where it fails."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def keys(shared_house: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Take the public keys out of the ordinary card's certificates, by purpose: files that openssl made of the PEM."""
    shared_house.insert("ordinary")
    folder = tmp_path_factory.mktemp("keys")
    found = {}
    for purpose in ("authentication", "signature"):
        listed = shared_house.ctl("certificates", "--purpose", purpose, "--json").json["certificates"]
        place = [one["identity"] for one in listed].index("hsaId")
        pems = shared_house.ctl("certificates", "--purpose", purpose, "--pem").out
        pem, found[purpose] = folder / f"{purpose}.pem", folder / f"{purpose}.key"
        pem.write_text(pems.split("-----END CERTIFICATE-----\n")[place] + "-----END CERTIFICATE-----\n")
        found[purpose].write_text(openssl("x509", "-in", pem, "-noout", "-pubkey"))
    shared_house.tidy()
    return found


def verifies(key: Path, algorithm: str, message: Path, signature: Path) -> bool:
    """Tell whether openssl takes a signature by `algorithm` over the bytes of `message`."""
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if "Pss" in algorithm else []
    hashed = f"-sha{algorithm[-3:]}"
    return "Verified OK" in openssl("dgst", hashed, *pss, "-verify", key, "-signature", signature, message)


@pytest.mark.parametrize("algorithm", [None, "rsaPkcs1Sha384", "rsaPssSha256", "rsaPssSha512"])
def test_openssl_takes_a_proof(house: Any, keys: dict[str, Path], tmp_path: Path, algorithm: str | None) -> None:
    """The bytes of a challenge file are signed by the authentication certificate's key, and no other bytes."""
    challenge, signature = tmp_path / "challenge", tmp_path / "signature"
    challenge.write_bytes(os.urandom(300))
    how = ("--algorithm", algorithm) if algorithm else ()
    files = ("--challenge-file", str(challenge), "--out", str(signature))
    done = house.ctl("authenticate", *HSA, *UNCHECKED, *how, *files, "--code-fd", "0", "--json", codes=(PIN,))
    assert done.status == 0, done.out
    assert done.json["algorithm"] == (algorithm or "rsaPkcs1Sha256")
    key = keys["authentication"]
    assert verifies(key, done.json["algorithm"], challenge, signature)
    challenge.write_bytes(os.urandom(300))
    assert not verifies(key, done.json["algorithm"], challenge, signature)


def test_openssl_takes_a_signed_file(house: Any, keys: dict[str, Path], tmp_path: Path) -> None:
    """A file is signed by the signature certificate's key, beside the file, and never over another signature."""
    letter = tmp_path / "letter.txt"
    letter.write_bytes(b"A letter.\n" * 300_000)
    sign = ("sign", str(letter), *HSA, "--code-fd", "0")
    done = house.ctl(*sign, codes=(SIGNATURE_PIN,))
    assert done.status == 0, done.err
    signature = tmp_path / "letter.txt.sig"
    key = keys["signature"]
    assert verifies(key, "rsaPkcs1Sha256", letter, signature)
    assert not verifies(keys["authentication"], "rsaPkcs1Sha256", letter, signature)
    before = signature.read_bytes()
    assert house.ctl(*sign, codes=(SIGNATURE_PIN,)).status == 2
    assert signature.read_bytes() == before
    assert house.ctl(*sign, "--force", "--algorithm", "rsaPssSha512", codes=(SIGNATURE_PIN,)).status == 0
    assert verifies(key, "rsaPssSha512", letter, signature)
    row = desk.rows(house)[-1]
    assert (row["operation"], row["result"]) == ("sign", "done")
    assert "letter.txt" in str(row)
    assert hashlib.sha512(letter.read_bytes()).hexdigest() in str(row)


def test_openssl_takes_a_signature_over_its_own_hash(house: Any, keys: dict[str, Path], tmp_path: Path) -> None:
    """A hash that openssl made is signed as it stands; its pkeyutl checks the PSS signature over that hash."""
    letter, digest, signature = (tmp_path / name for name in ("letter", "digest", "signature"))
    letter.write_text("Another letter.\n")
    told = openssl("dgst", "-sha384", letter).split()[-1]
    digest.write_bytes(bytes.fromhex(told))
    sign = ("sign", "--digest", told, "--algorithm", "rsaPssSha384", *HSA, "--code-fd", "0", "--out", str(signature))
    assert house.ctl(*sign, codes=(SIGNATURE_PIN,)).status == 2
    assert house.ctl(*sign, "--description", "Another letter", codes=(SIGNATURE_PIN,)).status == 0
    key = keys["signature"]
    options = ["rsa_padding_mode:pss", "rsa_pss_saltlen:digest", "digest:sha384"]
    given = [part for option in options for part in ("-pkeyopt", option)]
    check = ["pkeyutl", "-verify", "-pubin", "-inkey", key, "-in", digest, "-sigfile", signature, *given]
    assert "Signature Verified Successfully" in openssl(*check)


def test_openssl_finds_the_way_from_the_reply_to_the_root(house: Any, tmp_path: Path) -> None:
    """The certificate and the issuers in a reply are enough for who has only the root."""
    reply = house.ctl("authenticate", *HSA, *UNCHECKED, "--code-fd", "0", "--json", codes=(PIN,)).json
    for name, der in (("leaf", reply["certificate"]["der"]), ("issuer", reply["issuers"][0])):
        (tmp_path / f"{name}.der").write_bytes(base64.b64decode(der))
        pem = tmp_path / f"{name}.pem"
        pem.write_text(openssl("x509", "-inform", "DER", "-in", tmp_path / f"{name}.der"))
    root = house.state / "simulator" / "pki" / "root.pem"
    assert "OK" in openssl("verify", "-CAfile", root, "-untrusted", tmp_path / "issuer.pem", tmp_path / "leaf.pem")
    assert not openssl("verify", "-CAfile", root, tmp_path / "leaf.pem")


def test_what_is_not_clear_or_not_good_costs_no_try(house: Any) -> None:
    """Two identities to choose from, a wrong PIN, an expired card: each by its name and status, counted rightly."""
    ambiguous = house.ctl("authenticate", "--code-fd", "0", "--json", codes=(PIN,))
    assert (ambiguous.status, ambiguous.error["code"]) == (4, "certificate.ambiguous")
    identities = {one["identity"]: one["fingerprint"] for one in ambiguous.error["choices"]}
    assert set(identities) == {"hsaId", "personalIdentityNumber"}
    chosen = ":".join(re.findall("..", identities["personalIdentityNumber"].upper()))
    done = house.ctl("authenticate", "--certificate", chosen, *UNCHECKED, "--code-fd", "0", "--json", codes=(PIN,))
    assert (done.json["identity"], done.json["chosenBy"]) == ("personalIdentityNumber", "fingerprint")
    wrong = house.ctl("authenticate", *HSA, "--code-fd", "0", "--json", codes=(WRONG_PIN,))
    assert (wrong.status, wrong.error["code"], wrong.error["triesLeft"]) == (5, "pin.wrong", 2)
    house.swap("expired")
    house.await_reader("ready", serial=house.serial("expired"))
    bad = house.ctl("authenticate", *HSA, "--code-fd", "0", "--json", codes=(WRONG_PIN,))
    assert (bad.status, bad.error["code"], bad.error["rules"][0]) == (7, "certificate.bad", "date.expired")
    assert house.tries("expired") == 3
    accepted = house.ctl("authenticate", *HSA, "--accept-bad", "--code-fd", "0", "--json", codes=(PIN,))
    assert accepted.json["certificate"]["verdict"]["status"] == "bad"
    demanding = house.ctl("authenticate", *HSA, "--require", "good", "--code-fd", "0", "--json", codes=(PIN,))
    assert demanding.error["code"] == "certificate.bad"


def test_a_person_sees_what_is_signed_and_chooses_by_number(house: Any, keys: dict[str, Path], tmp_path: Path) -> None:
    """At a terminal file, hash and certificate are shown before the PIN is asked for."""
    letter = tmp_path / "letter.txt"
    letter.write_bytes(b"12345")
    answers = (("Which one?", "9"), ("Which one?", "1"), ("Signature PIN (6-8 digits, not shown):", SIGNATURE_PIN))
    status, shown = desk.at_terminal(house, *answers, command=("sign", str(letter)))
    assert status == 0
    before = shown.split(b"Signature PIN (")[0]
    for text in (
        "letter.txt, 5 bytes",
        hashlib.sha256(b"12345").hexdigest(),
        "2. Signature",
        "There is no such number",
    ):
        assert text.encode() in before
    assert b"Certificate: Signature, HSA-id: Tolvan Tolvansson" in before
    assert b"Signed, with the right signature PIN. 3 tries are left." in shown
    assert verifies(keys["signature"], "rsaPkcs1Sha256", letter, Path(f"{letter}.sig"))


# The library, on the same daemon.


async def test_both_clients_of_the_library_work_on_a_real_card(house: Any) -> None:
    """Cards, codes, proof and signature, by either client; the PINs are wiped, and what is too little is refused."""
    client, other = Client(house.run), AsyncClient(house.run)
    (card,) = client.readers().cards
    assert card == (await other.readers()).cards[0]
    assert card.holder.display_name == "Tolvan Tolvansson"
    pin = bytearray(PIN, "ascii")
    said: Any = {"card_serial": card.serial, "require": Require.GOOD_OR_REVOCATION_UNCHECKED}
    proof = client.authenticate(b"a nonce of 16 bytes or more", identity="hsaId", code=pin, **said)
    assert (proof.identity_value, pin) == (card.holder.hsa_id, bytearray(6))
    assert proof.certificate.purpose == Purpose.AUTHENTICATION
    digest = hashlib.sha256(b"a letter").digest()
    signed = await other.sign(digest, "A letter", identity="personalIdentityNumber", code=SIGNATURE_PIN.encode())
    assert (signed.identity, signed.identity_value) == ("personalIdentityNumber", "191212121212")
    assert "1912" not in repr(signed)
    with pytest.raises(RequirementError) as caught:
        await other.authenticate(identity="hsaId", code=PIN.encode())
    assert caught.value.verdict.reasons == ("revocation.notChecked",)
    with pytest.raises(SithsdError) as refused:
        client.authenticate(identity="hsaId", code=WRONG_PIN.encode())
    assert (refused.value.code, refused.value.tries_left) == ("pin.wrong", 2)


def example() -> str:
    """Return the program in the library's own docstring."""
    (found,) = re.findall(r"```python\n(.*?)```", sithsd.client.__doc__ or "", re.DOTALL)
    return str(found)


@pytest.fixture
def asking_house(made_cards: Shelf) -> Iterator[Any]:
    """Run a daemon that has somebody to ask about revocation, once `start_fetch` is called."""
    made_cards.card("ordinary")
    made_cards.write_configuration()
    with Stage(1) as stage, closing(household.Household(stage, made_cards.folder.parent)) as made:
        made.start()
        made.serve_issuers()
        made.insert("ordinary")
        yield made


def test_the_example_works_as_it_stands(asking_house: Any) -> None:
    """The program of the documentation, and the same one in the README: with a wrong PIN, and with a right one.

    It lets nobody in as long as nobody was asked whether the certificate is revoked.
    """
    assert example() in (ROOT / "README.md").read_text(encoding="utf-8")
    assert len([line for line in example().splitlines() if line]) <= 11

    def told(pin: str) -> str:
        # A session of its own has no terminal, so that the PIN is read from standard input.
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", example()],
            env=asking_house.environment,
            input=f"{pin}\n",
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
        )
        return done.stdout

    assert told(WRONG_PIN) == "Not logged in: pin.wrong, tries left: 2\n"
    assert told(PIN) == "Not logged in: certificate.bad, tries left: None\n"
    asking_house.start_fetch()
    # Whoever looks has the daemon ask at once; by itself it would ask again in a minute.
    assert asking_house.ctl("validity", "--json").json["certificates"][0]["verdict"]["status"] == "good"
    assert told(PIN) == "SE2321000016-SIM1 is here; the certificate: good\n"


# Other people's clients of varlink.


def taken(der: str, message: bytes, signature: str, folder: Path) -> bool:
    """Tell whether openssl takes a reply's signature (PKCS #1, SHA-256) by the certificate in it."""
    (folder / "reply.der").write_bytes(base64.b64decode(der))
    (folder / "reply.key").write_text(
        openssl("x509", "-inform", "DER", "-in", folder / "reply.der", "-noout", "-pubkey")
    )
    (folder / "message").write_bytes(message)
    (folder / "signature").write_bytes(base64.b64decode(signature))
    return verifies(folder / "reply.key", "rsaPkcs1Sha256", folder / "message", folder / "signature")


def test_varlink_authenticates_and_signs(house: Any, tmp_path: Path) -> None:
    """The varlink package, by methods it made from the text: replies that openssl takes, and choices in the error."""
    with varlink.Client.new_with_address(f"unix:{house.run / CODES}") as client, client.open(CODES) as codes:
        challenge = os.urandom(32)
        given = {"challenge": base64.b64encode(challenge).decode(), "code": PIN}
        with pytest.raises(varlink.VarlinkError) as caught:
            codes.Authenticate(**given)
        assert caught.value.error() == f"{CODES}.CertificateAmbiguous"
        choice = next(one for one in caught.value.parameters()["choices"] if one["identity"] == "hsaId")
        proof = codes.Authenticate(**given, certificate=choice["fingerprint"])
        assert (proof["challenge"], proof["chosenBy"]) == (given["challenge"], "fingerprint")
        assert taken(proof["certificate"]["der"], challenge, proof["signature"], tmp_path)
        digest = base64.b64encode(hashlib.sha256(b"a letter").digest()).decode()
        signed = codes.Sign(digest=digest, description="A letter", identity="hsaId", code=SIGNATURE_PIN)
        assert taken(signed["certificate"]["der"], b"a letter", signed["signature"], tmp_path)


class Verdict(TypedDict):
    """A type of io.sithsd.Codes."""

    status: str
    reasons: list[str]


class Evidence(TypedDict):
    """A type of io.sithsd.Cards."""

    fingerprint: str
    serialNumber: str
    status: str
    subject: str | None
    source: str | None
    url: str | None
    signer: str | None
    thisUpdate: str | None
    nextUpdate: str | None
    producedAt: str | None
    fetchedAt: str | None
    revokedAt: str | None
    revocationReason: str | None
    failure: str | None
    detail: str | None
    nextCheck: str | None
    staleHours: int | None


class Certificate(TypedDict):
    """A type of io.sithsd.Codes."""

    id: str
    purpose: str
    identity: str
    subject: str
    issuer: str
    notBefore: str
    notAfter: str
    verdict: Verdict
    serialNumber: str
    fingerprint: str
    environment: str
    levelOfAssurance: int | None
    transport: bool
    weaknesses: list[str]
    key: str
    label: str | None
    path: list[str]
    anchor: str | None
    checkedAt: str | None
    der: str | None
    evidence: list[Evidence]
    nextCheck: str | None
    canSign: bool | None


class Signed(TypedDict):
    """What Sign replies."""

    reader: str
    cardSerial: str | None
    sequence: int
    triesLeft: int | None
    algorithm: str
    signature: str
    certificate: Certificate
    issuers: list[str]
    identity: str
    identityValue: str | None
    chosenBy: str


class Proof(Signed):
    """What Authenticate replies."""

    challenge: str


class Keys(asyncvarlink.VarlinkInterface, name=CODES):
    """The interface as asyncvarlink wants it declared."""

    @asyncvarlink.varlinkmethod
    def Authenticate(self, *, identity: str, code: str) -> Proof:  # noqa: N802 - the method's name on the wire
        """Have the card prove itself."""

    @asyncvarlink.varlinkmethod
    def Sign(self, *, digest: str, description: str, identity: str, code: str) -> Signed:  # noqa: N802 - as above
        """Sign a hash."""


async def test_asyncvarlink_authenticates_and_signs(house: Any, tmp_path: Path) -> None:
    """Every field of the replies is of the type that the text promises; the daemon made the challenge."""
    at = clients.Daemon(house.run, right_code=PIN, wrong_code=WRONG_PIN, change=lambda: None)
    async with clients.proxy(at, Keys) as codes:
        proof = await codes.Authenticate(identity="hsaId", code=PIN)
        challenge = base64.b64decode(proof["challenge"])
        assert len(challenge) == 32
        assert taken(proof["certificate"]["der"], challenge, proof["signature"], tmp_path)
        digest = base64.b64encode(hashlib.sha256(b"a letter").digest()).decode()
        signed = await codes.Sign(digest=digest, description="A letter", identity="hsaId", code=SIGNATURE_PIN)
        assert signed["identityValue"] == "SE2321000016-SIM1"
        assert taken(signed["certificate"]["der"], b"a letter", signed["signature"], tmp_path)
