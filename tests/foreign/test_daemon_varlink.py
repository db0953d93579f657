"""Other people's programs against the real daemon with a simulated card in a real pcscd's reader.

The clients' tests are those of test_varlink_clients.py, word for word, on another `daemon`. What only a card can tell
is judged by openssl (certificates) and by OpenSC, which uses the same card at the same time.
"""

import importlib.util
import json
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

from sithsd.simulator.shelf import Shelf
from sithsd.simulator.stage import Stage

HERE = Path(__file__).parent
CARDS, CODES = "io.sithsd.Cards", "io.sithsd.Codes"
PIN, WRONG_PIN, PUK, WRONG_PUK = "123456", "000000", "12345678", "00000000"
NEW_PIN, NEW_SIGNATURE_PIN = "918273", "40718263"


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
globals().update({name: test for name, test in vars(clients).items() if name.startswith("test_")})


@pytest.fixture(scope="module")
def shared_house(made_cards: Shelf) -> Iterator[Any]:
    """Run the daemon on a stage."""
    for name in ("ordinary", "reserve", "expired", "blocked", "inactive", "transport"):
        made_cards.card(name)
    made_cards.write_configuration()
    with Stage(2) as stage, closing(household.Household(stage, made_cards.folder.parent)) as made:
        made.start()
        yield made


@pytest.fixture
def house(shared_house: Any) -> Iterator[Any]:
    """Return the house: readers empty, cards new. Afterwards the daemon has to be alive, without a fault."""
    yield shared_house
    shared_house.tidy()


@pytest.fixture
def daemon(house: Any) -> Any:
    """Put the ordinary card into the daemon's reader; an event is that card out and in again."""
    house.insert("ordinary")

    def change() -> None:
        house.remove()
        house.insert("ordinary")

    return clients.Daemon(house.run, right_code=PIN, wrong_code=WRONG_PIN, change=change)


def daemon_of(house: Any) -> Any:
    """Return where the daemon is, whatever card is in its reader."""
    return clients.Daemon(house.run, right_code=PIN, wrong_code=WRONG_PIN, change=lambda: None)


def test_socat_reads_a_whole_card(daemon: Any) -> None:
    """Anything that can write a line and a NUL gets the card, and a code through the other socket."""
    (listed,) = clients.socat(daemon, CARDS, b'{"method":"io.sithsd.Cards.List"}')
    card = listed["parameters"]["readers"][0]["card"]
    assert card["holder"]["displayName"] == "Tolvan Tolvansson"
    call = {"method": f"{CODES}.Verify", "parameters": {"role": "authentication", "code": WRONG_PIN}}
    wrong, right = clients.socat(
        daemon,
        CODES,
        json.dumps(call).encode(),
        json.dumps({**call, "parameters": {"role": "authentication", "code": PIN}}).encode(),
    )
    assert (wrong["error"], wrong["parameters"]["triesLeft"]) == (f"{CODES}.PinWrong", 2)
    assert right["parameters"]["triesLeft"] == 3


def openssl(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run openssl."""
    return subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("name", "trusted"), [("ordinary", True), ("reserve", True), ("expired", False)])
def test_openssl_agrees_about_the_certificates(house: Any, tmp_path: Path, name: str, trusted: bool) -> None:
    """Names, dates, serial number, fingerprint and whether the chain holds are what openssl says of the PEM."""
    house.insert(name)
    reply = house.ctl("certificates", "--json").json["certificates"]
    pems = house.ctl("certificates", "--pem").out.split("-----END CERTIFICATE-----\n")[:-1]
    pki = house.state / "simulator" / "pki"
    assert len(pems) == len(reply) >= 2
    for shown, body in zip(reply, pems, strict=True):
        file = tmp_path / "one.pem"
        file.write_text(f"{body}-----END CERTIFICATE-----\n")
        form = ["-noout", "-dateopt", "iso_8601", "-nameopt", "RFC2253,utf8,-esc_msb"]
        asked = ["-serial", "-issuer", "-startdate", "-enddate", "-fingerprint", "-sha256"]
        facts = openssl("x509", "-in", str(file), *form, *asked)
        told = dict(line.partition("=")[::2] for line in facts.stdout.splitlines())
        assert told["serial"].lstrip("0") == shown["serialNumber"].lstrip("0")
        assert told["issuer"] == shown["issuer"]
        assert told["notBefore"].replace(" ", "T") == shown["notBefore"]
        assert told["notAfter"].replace(" ", "T") == shown["notAfter"]
        fingerprint = next(value for key, value in told.items() if key.lower().endswith("fingerprint"))
        assert fingerprint.replace(":", "").lower() == shown["fingerprint"]
        chain = openssl("verify", "-CAfile", str(pki / "root.pem"), "-untrusted", str(pki / "issuers.pem"), str(file))
        assert (chain.returncode == 0) is trusted, chain.stderr
        if trusted:
            assert shown["verdict"] == {"status": "unknown", "reasons": ["revocation.notChecked"]}
        else:
            assert "expired" in chain.stderr
            assert (shown["verdict"]["status"], shown["verdict"]["reasons"][0]) == ("bad", "date.expired")


def opensc(house: Any, tmp_path: Path, *arguments: str, **codes: str) -> subprocess.CompletedProcess[str]:
    """Run one of OpenSC's tools beside the daemon, without settings and with a cache of its own."""
    environment = {
        **house.environment,
        **codes,
        "OPENSC_CONF": str(tmp_path / "none.conf"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
    }
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_opensc_and_the_daemon_share_a_card(house: Any, tmp_path: Path) -> None:
    """What one program did to a counter the other one sees, and neither keeps the other out."""
    house.insert("ordinary")
    login = ["pkcs15-tool", "--verify-pin", "--auth-id", "01"]
    assert opensc(house, tmp_path, *login, "--pin", "env:WRONG", WRONG=WRONG_PIN).returncode != 0
    assert house.tries("ordinary") == 2
    with house.wire() as wire:
        codes = wire.call(f"{CARDS}.GetCodes")["parameters"]["codes"]
    assert codes[0]["triesLeft"] == 2
    assert house.verify(WRONG_PIN).error["triesLeft"] == 1
    assert opensc(house, tmp_path, *login, "--pin", "env:PIN", PIN=PIN).returncode == 0
    assert house.verify(PIN).json["triesLeft"] == 3


def test_the_daemon_leaves_nothing_unlocked_for_opensc(house: Any, tmp_path: Path) -> None:
    """After the daemon's right PIN, a signature by another program still needs one."""
    house.insert("ordinary")
    assert house.verify(PIN).status == 0
    (tmp_path / "data").write_bytes(b"data")
    sign = ["pkcs11-tool", "--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", "45"]
    files = ["--input-file", str(tmp_path / "data"), "--output-file", str(tmp_path / "signature")]
    refused = opensc(house, tmp_path, *sign, *files)
    assert refused.returncode != 0
    assert not (tmp_path / "signature").exists() or (tmp_path / "signature").stat().st_size == 0
    login = ["--login", "--pin", "env:PIN"]
    assert opensc(house, tmp_path, *sign, *login, *files, PIN=PIN).returncode == 0
    assert (tmp_path / "signature").stat().st_size == 256
    with house.wire() as wire:
        codes = wire.call(f"{CARDS}.GetCodes")["parameters"]["codes"]
    assert [one["triesLeft"] for one in codes] == [3, 3, 10]


# A desk's work by clients that made their calls from the interface text alone.


class PinRefused(asyncvarlink.TypedVarlinkErrorReply, interface=CODES):
    """A new PIN breaks a rule."""

    Parameters = clients.ErrorParameters


class Rule(TypedDict):
    """A type of io.sithsd.Codes."""

    rule: str
    level: str


class ChecklistItem(TypedDict):
    """A type of io.sithsd.Codes."""

    id: str
    kind: str
    sv: str
    en: str
    maxAgeMonths: int | None
    when: str | None


class Answer(TypedDict):
    """A type of io.sithsd.Codes."""

    id: str
    confirmed: bool | None
    date: str | None


class Guidance(TypedDict):
    """What GetGuidance replies."""

    reader: str
    cardSerial: str | None
    sequence: int
    kind: str
    codes: list[clients.CodeState]
    activation: str
    toActivate: list[str]
    unblocking: str
    mayUnblock: bool
    pukFloor: int
    rules: list[Rule]
    minLength: int
    maxLength: int
    personalNumbers: list[str]
    checklist: list[ChecklistItem]
    padVerify: bool
    padModify: bool


class Activated(TypedDict):
    """What Activate replies."""

    reader: str
    cardSerial: str | None
    sequence: int
    done: list[str]
    codes: list[clients.CodeState]
    warnings: list[str]


class Desk(asyncvarlink.VarlinkInterface, name=CODES):
    """The interface as asyncvarlink wants it declared."""

    errors = (PinRefused,)

    @asyncvarlink.varlinkmethod
    def GetGuidance(self) -> Guidance:  # noqa: N802 - the method's name on the wire
        """Ask what there is to ask."""

    @asyncvarlink.varlinkmethod
    def Change(self, *, role: str, code: str, newCode: str) -> clients.CodeResult:  # noqa: N802, N803 - as above
        """Change a PIN."""

    @asyncvarlink.varlinkmethod
    def Activate(  # noqa: N802 - as above
        self,
        *,
        newAuthentication: str,  # noqa: N803 - as above
        newSignature: str,  # noqa: N803 - as above
        puk: str,
        answers: list[Answer],
    ) -> Activated:
        """Activate a card."""


def typed(told: list[dict[str, Any]]) -> list[Answer]:
    """Return answers with every field that the type has."""
    return [{"id": one["id"], "confirmed": one.get("confirmed"), "date": one.get("date")} for one in told]


async def test_asyncvarlink_works_at_the_desk(house: Any) -> None:
    """It asks what a card needs, activates it, and changes a PIN: every field is of the type that the text promises."""
    house.insert("inactive")
    async with clients.proxy(daemon_of(house), Desk) as codes:
        guidance = await codes.GetGuidance()
        assert (guidance["activation"], guidance["toActivate"]) == ("puk", ["authentication", "signature"])
        assert "idDocument" in [item["id"] for item in guidance["checklist"]]
        answers = typed(desk.on_the_wire())
        done = await codes.Activate(newAuthentication=NEW_PIN, newSignature=NEW_SIGNATURE_PIN, puk=PUK, answers=answers)
        assert done["done"] == ["authentication", "signature"]
        with pytest.raises(PinRefused) as caught:
            await codes.Change(role="authentication", code=NEW_PIN, newCode="777777")
        assert (caught.value.p_code, caught.value.p_rules, caught.value.p_done) == ("pin.refused", ["allSame"], [])
        changed = await codes.Change(role="authentication", code=NEW_PIN, newCode=PIN[::-1] + "8")
        assert (changed["triesLeft"], changed["warnings"]) == (3, [])
    opensc = desk.OpenSC(house)
    assert opensc.accepts(PIN[::-1] + "8")
    assert opensc.accepts(NEW_SIGNATURE_PIN, "signature")


def test_varlink_works_at_the_desk(house: Any) -> None:
    """The other client does the same with a card of transport PINs, and reads our errors with all they tell."""
    house.insert("transport")
    at = daemon_of(house)
    with varlink.Client.new_with_address(at.address(CODES)) as client, client.open(CODES) as codes:
        assert codes.GetGuidance()["activation"] == "transport-pin"
        given = {
            "newAuthentication": NEW_PIN,
            "newSignature": NEW_SIGNATURE_PIN,
            "transportAuthentication": "502814",
            "transportSignature": WRONG_PIN,
        }
        with pytest.raises(varlink.VarlinkError) as caught:
            codes.Activate(**given, answers=[])
        assert caught.value.error() == f"{CODES}.ActivationChecklist"
        assert "idDocument" in caught.value.parameters()["rules"]
        with pytest.raises(varlink.VarlinkError) as caught:
            codes.Activate(**given, answers=typed(desk.on_the_wire()))
        told = caught.value.parameters()
        assert caught.value.error() == f"{CODES}.PinWrong"
        assert (told["role"], told["triesLeft"], told["done"]) == ("signature", 2, ["authentication"])
    assert desk.OpenSC(house).accepts(NEW_PIN)


def test_varlink_unblocks(house: Any) -> None:
    """A wrong PUK, a rule that is broken, then the right one; by calls made from the text."""
    house.insert("blocked")
    at = daemon_of(house)
    with varlink.Client.new_with_address(at.address(CODES)) as client, client.open(CODES) as codes:
        for given, error in (
            ({"puk": PUK, "newCode": "191212"}, "PinRefused"),
            ({"puk": WRONG_PUK, "newCode": NEW_PIN}, "PukWrong"),
            ({"puk": PUK, "newCode": NEW_PIN, "expectedTries": 10}, "PukTriesChanged"),
        ):
            with pytest.raises(varlink.VarlinkError) as caught:
                codes.Unblock(role="authentication", **given)
            assert caught.value.error() == f"{CODES}.{error}"
        done = codes.Unblock(role="authentication", puk=PUK, newCode=NEW_PIN, expectedTries=9)
        assert (done["triesLeft"], done["warnings"]) == (3, [])
    assert desk.OpenSC(house).accepts(NEW_PIN)


def test_the_varlink_command_tells_of_tries_lost_elsewhere(house: Any) -> None:
    """OpenSC burns a try; List as the foreign command prints it has the notice."""
    house.insert("ordinary")
    assert not desk.OpenSC(house).accepts(WRONG_PIN)
    at = daemon_of(house)
    assert clients.command("call", f"{at.address(CARDS)}/{CARDS}.GetCodes")[0] == 0
    status, out, _err = clients.command("call", f"{at.address(CARDS)}/{CARDS}.List")
    assert status == 0
    notice = json.loads(out)["notices"][-1]
    assert (notice["code"], notice["triesBefore"], notice["triesAfter"]) == ("code.triesLostElsewhere", 3, 2)
