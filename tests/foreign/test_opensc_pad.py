"""OpenSC's tools with the PIN pad of our own reader driver: they make the structures, the pad reads them.

No code is on a command line, in the environment or on standard input: the tools never have one.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sithsd.simulator.image import Role

PIN, WRONG_PIN, NEW_PIN, LONG_PIN, PUK = "123456", "000000", "918273", "91827364", "12345678"
SECONDS = 60
# Reads the features of the first reader, and the properties that they lead to, with pyscard.
FEATURES = """
from smartcard.pcsc.PCSCPart10 import getFeatureRequest, getTlvProperties
from smartcard.System import readers
from smartcard.scard import SCARD_SHARE_DIRECT
connection = readers()[0].createConnection()
connection.connect(mode=SCARD_SHARE_DIRECT, protocol=0)
print(*sorted(str(name) for name, _ in getFeatureRequest(connection)))
properties = getTlvProperties(connection)
print(properties["PCSCv2_PART10_PROPERTY_bMinPINSize"], properties["PCSCv2_PART10_PROPERTY_bMaxPINSize"])
"""


@pytest.fixture
def start(table: Any) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start one of OpenSC's tools beside the ordinary card in a reader with a pad."""
    table.fit_pad()
    with ExitStack() as stack:

        def run(*command: str) -> subprocess.Popen[str]:
            tool = subprocess.Popen(
                command,
                env=table.environment,
                cwd=table.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.enter_context(tool)
            stack.callback(tool.kill)
            return tool

        yield run


def ended(tool: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a tool's end; return its exit status and what it said."""
    said, _ = tool.communicate(timeout=SECONDS)
    return tool.returncode, said


def tries(table: Any, role: Role = Role.AUTHENTICATION) -> int:
    """Return how many tries the ordinary card has left for a code; it is taken out for that."""
    table.remove()
    left: int = table.shelf.card("ordinary").tries_left(role)
    return left


def test_the_tools_see_the_pad(table: Any) -> None:
    """opensc-tool says "PIN pad" of the reader that has one."""
    table.fit_pad(1)
    listed = table.tool("opensc-tool", "--list-readers").stdout
    lines = [line for line in listed.splitlines() if "SITHS-SIM" in line]
    assert ["PIN pad" in line for line in lines] == [False, True]


def test_pyscard_reads_the_features_and_properties(table: Any) -> None:
    """Its own reading of PC/SC part 10 finds VERIFY, MODIFY and the properties, and the lengths in them."""
    table.fit_pad()
    done = table.tool(sys.executable, "-c", FEATURES)
    assert done.returncode == 0, done.stderr
    features, lengths = done.stdout.splitlines()
    assert features == "FEATURE_GET_TLV_PROPERTIES FEATURE_MODIFY_PIN_DIRECT FEATURE_VERIFY_PIN_DIRECT"
    assert lengths == "4 12"


@pytest.mark.parametrize("name", ["ordinary", "ordinary-t0"])
@pytest.mark.parametrize(("pin", "reference"), [(PIN, "01"), ("654321", "02")])
def test_a_pin_is_verified(table: Any, start: Callable[..., Any], name: str, pin: str, reference: str) -> None:
    """pkcs15-tool has either PIN keyed in and verified, under T=1 and T=0."""
    table.insert(name)
    tool = start("pkcs15-tool", "--verify-pin", "--auth-id", reference)
    table.press(pin, "ok")
    assert ended(tool)[0] == 0


def test_a_wrong_pin_costs_one_try(table: Any, start: Callable[..., Any]) -> None:
    """The tool hears the card's own status word, and the card has counted."""
    table.insert("ordinary")
    tool = start("pkcs15-tool", "--verify-pin", "--auth-id", "01")
    table.press(WRONG_PIN, "ok")
    status, said = ended(tool)
    assert status != 0
    assert "PIN code or key incorrect" in said
    assert tries(table) == 2


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (["cancel"], "cancelled by user"),
        (["1234", "timeout"], "Timed out"),
        (["12345", "ok"], "Invalid PIN length"),
        (["123456789", "ok"], "Invalid PIN length"),
    ],
)
def test_an_entry_that_comes_to_nothing_costs_nothing(
    table: Any, start: Callable[..., Any], keys: list[str], sentence: str
) -> None:
    """The tool tells the pad's own status words as what they mean."""
    table.insert("ordinary")
    tool = start("pkcs15-tool", "--verify-pin", "--auth-id", "01")
    table.press(*keys)
    status, said = ended(tool)
    assert status != 0
    assert sentence in said
    assert tries(table) == 3


@pytest.mark.parametrize("new", [NEW_PIN, LONG_PIN])
def test_a_pin_is_changed(table: Any, start: Callable[..., Any], new: str) -> None:
    """The old PIN, the new one, the new one again; then the new one verifies and the old one does not."""
    table.insert("ordinary")
    tool = start("pkcs15-tool", "--change-pin", "--auth-id", "01")
    table.press(PIN, "ok", new, "ok", new, "ok")
    assert ended(tool)[0] == 0
    for pin, right in ((PIN, False), (new, True)):
        tool = start("pkcs15-tool", "--verify-pin", "--auth-id", "01")
        table.press(pin, "ok")
        assert (ended(tool)[0] == 0) is right


def test_new_pins_that_differ_change_nothing(table: Any, start: Callable[..., Any]) -> None:
    """The tool is told of the mismatch; the old PIN is right, and nothing was counted."""
    table.insert("ordinary")
    tool = start("pkcs15-tool", "--change-pin", "--auth-id", "01")
    table.press(PIN, "ok", NEW_PIN, "ok", LONG_PIN, "ok")
    status, said = ended(tool)
    assert status != 0
    assert "did not match" in said
    assert tries(table) == 3
    table.insert("ordinary")
    tool = start("pkcs15-tool", "--verify-pin", "--auth-id", "01")
    table.press(PIN, "ok")
    assert ended(tool)[0] == 0


def test_the_puk_unblocks(table: Any, start: Callable[..., Any]) -> None:
    """RESET RETRY COUNTER by the pad; the tool gives the PUK's lengths for the new PIN too, so that has 8 digits."""
    table.insert("ordinary")
    for _ in range(3):
        tool = start("pkcs15-tool", "--verify-pin", "--auth-id", "01")
        table.press(WRONG_PIN, "ok")
        assert ended(tool)[0] != 0
    tool = start("pkcs15-tool", "--unblock-pin", "--auth-id", "01")
    table.press(PUK, "ok", LONG_PIN, "ok", LONG_PIN, "ok")
    assert ended(tool)[0] == 0
    tool = start("pkcs15-tool", "--verify-pin", "--auth-id", "01")
    table.press(LONG_PIN, "ok")
    assert ended(tool)[0] == 0


def test_pkcs11_logs_in_and_signs(table: Any, start: Callable[..., Any]) -> None:
    """C_Login without a PIN: the token has a protected authentication path; then the key signs."""
    table.insert("ordinary")
    (table.folder / "data").write_bytes(b"What is signed here has no meaning.\n")
    listed = table.tool("pkcs11-tool", "--list-slots").stdout
    assert "PIN pad present" in listed
    tool = start(
        "pkcs11-tool", "--slot", "0", "--login", "--sign", "--id", "45", "--mechanism", "SHA256-RSA-PKCS",
        "--input-file", "data", "--output-file", "signature",
    )  # fmt: skip
    table.press(PIN, "ok")
    status, said = ended(tool)
    assert status == 0, said
    done = table.tool("pkcs15-tool", "--read-certificate", "45")
    Path(table.folder / "certificate.pem").write_text(done.stdout)
    table.tool("openssl", "x509", "-in", "certificate.pem", "-pubkey", "-noout", "-out", "public.pem")
    checked = table.tool("openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "data")
    assert checked.stdout.strip() == "Verified OK"


def test_pkcs11_is_told_of_a_cancelled_login(table: Any, start: Callable[..., Any]) -> None:
    """CKR_FUNCTION_CANCELED or the like, and no try is gone."""
    table.insert("ordinary")
    tool = start("pkcs11-tool", "--slot", "0", "--login", "--list-objects")
    table.press("cancel")
    status, said = ended(tool)
    assert status != 0
    assert "CANCEL" in said
    assert tries(table) == 3
