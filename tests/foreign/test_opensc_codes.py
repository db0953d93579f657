"""OpenSC's tools, without any opensc.conf, judge new cards' codes (transport codes, none yet) and faulty answers."""

import re
from typing import Any

import pytest

from sithsd.simulator.image import Role

CODES = {
    "TRANSPORT": "502814",
    "OTHER_TRANSPORT": "739261",
    "PUK": "12345678",
    "NEW": "246802",
    "OTHER_NEW": "80246802",
    "WRONG": "000000",
}
BOTH = {"01": ("TRANSPORT", "NEW"), "02": ("OTHER_TRANSPORT", "OTHER_NEW")}


def ask(table: Any, *arguments: str) -> str:
    """Call pkcs15-tool, which has to succeed; return what it said."""
    done = table.tool("pkcs15-tool", *arguments, codes=CODES)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(table: Any, *arguments: str) -> str:
    """Call pkcs15-tool, which has to fail; return what it said about that."""
    done = table.tool("pkcs15-tool", *arguments, codes=CODES)
    assert done.returncode != 0, done.stdout
    return done.stderr


def verify(code: str, reference: str) -> list[str]:
    """Return the arguments that verify the code in the variable `code`."""
    return ["--verify-pin", "--auth-id", reference, "--pin", f"env:{code}"]


def change(old: str, new: str, reference: str) -> list[str]:
    """Return the arguments that change a PIN from one variable's code to another's."""
    return ["--change-pin", "--auth-id", reference, "--pin", f"env:{old}", "--new-pin", f"env:{new}"]


def initialized(table: Any) -> dict[str, bool]:
    """Return for each PIN's label whether the tool calls it initialized."""
    flags = re.findall(r"^PIN \[(.*)\]\n(?:\t.*\n)*?\tFlags.*?: (.*)$", ask(table, "--list-pins"), re.MULTILINE)
    return {label: "initialized" in named for label, named in flags}


def tries_left(table: Any, name: str = "transport") -> dict[str, int]:
    """Take the card out, and return the counters in its memory."""
    table.remove()
    card = table.shelf.card(name)
    return {str(role): card.tries_left(role) for role in Role}


def test_a_transport_code_is_changed_and_then_verified(table: Any) -> None:
    """CHANGE REFERENCE DATA by the tool takes the transport code; then the new code is right, the old one wrong."""
    table.insert("transport")
    for reference, (old, new) in BOTH.items():
        ask(table, *change(old, new, reference))
        ask(table, *verify(new, reference))
        refused(table, *verify(old, reference))
    assert tries_left(table) == {"authentication": 2, "signature": 2, "puk": 10}


def test_a_transport_code_verifies_nothing(table: Any) -> None:
    """The tool's VERIFY with the right transport code fails, and leaves all tries."""
    table.insert("transport")
    for reference, (old, _) in BOTH.items():
        assert "Not allowed" in refused(table, *verify(old, reference))
    assert tries_left(table) == {"authentication": 3, "signature": 3, "puk": 10}


def test_a_wrong_transport_code_costs_a_try(table: Any) -> None:
    """Three of them block the PIN, and the PUK gives it a value."""
    table.insert("transport")
    for _ in range(3):
        refused(table, *change("WRONG", "NEW", "01"))
    assert "blocked" in refused(table, *change("TRANSPORT", "NEW", "01"))
    ask(table, "--unblock-pin", "--auth-id", "01", "--puk", "env:PUK", "--new-pin", "env:NEW")
    ask(table, *verify("NEW", "01"))
    assert tries_left(table) == {"authentication": 3, "signature": 3, "puk": 10}


@pytest.mark.parametrize("name", ["transport", "inactive"])
def test_the_tool_sees_which_codes_were_chosen(table: Any, name: str) -> None:
    """The flag "initialized" of each PIN comes with its own activation, and is there after the card was out."""
    table.insert(name)
    assert initialized(table) == {"Legitimering": False, "Underskrift": False, "PUK": True}
    ask(table, "--unblock-pin", "--auth-id", "02", "--puk", "env:PUK", "--new-pin", "env:OTHER_NEW")
    assert initialized(table) == {"Legitimering": False, "Underskrift": True, "PUK": True}
    ask(table, "--unblock-pin", "--auth-id", "01", "--puk", "env:PUK", "--new-pin", "env:NEW")
    table.remove()
    table.insert(name)
    assert initialized(table) == {"Legitimering": True, "Underskrift": True, "PUK": True}


def test_an_activated_card_signs(table: Any) -> None:
    """After activation pkcs11-tool logs in with the chosen PIN and signs with the authentication key."""
    table.insert("transport")
    ask(table, *change("TRANSPORT", "NEW", "01"))
    (table.folder / "data").write_bytes(b"to be signed")
    done = table.tool(
        "pkcs11-tool", "--slot-index", "0", "--login", "--pin", "env:NEW", "--sign", "--mechanism", "SHA256-RSA-PKCS",
        "--id", "45", "--input-file", "data", "--output-file", "signature", codes=CODES,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pem = ask(table, "--read-certificate", "45")
    (table.folder / "certificate.pem").write_text(pem)
    public = table.tool("openssl", "x509", "-in", "certificate.pem", "-noout", "-pubkey")
    (table.folder / "public.pem").write_text(public.stdout)
    checked = table.tool("openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "data")
    assert "Verified OK" in checked.stdout, checked.stderr


def test_the_desks_card_is_a_card_like_any_other_to_the_tool(table: Any) -> None:
    """The fixture's own ATR is taken by the same driver; codes work as on the ordinary card."""
    table.insert("desk")
    done = table.tool("pkcs15-tool", *verify("PIN", "01"), codes={"PIN": "123456"})
    assert done.returncode == 0, done.stderr
    assert initialized(table) == {"Legitimering": True, "Underskrift": True, "PUK": True}


def faulty(table: Any, kind: str) -> list[Any]:
    """Put in a card whose first VERIFY has a fault of this kind; verify the right code twice, and return both ends."""
    fixture = table.folder / f"faulty-{kind.lower()}.toml"
    fixture.write_text(f'[[answers]]\nins = "20"\ncarries_data = true\nnth = 1\nwhen = "before"\nkind = "{kind}"\n')
    table.insert(str(fixture))
    return [table.tool("pkcs15-tool", *verify("PIN", "01"), codes={"PIN": "123456"}) for _ in range(2)]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("torn", "Unknown data received from card"),
        ("empty", "Unknown data received from card"),
        ("6F00", "Card command failed"),
    ],
)
def test_a_fault_of_an_answer_is_seen_by_the_tool_once(table: Any, kind: str, said: str) -> None:
    """A fixture's faults happen at the contacts: the first VERIFY with the right code fails, the second does not."""
    first, second = faulty(table, kind)
    assert first.returncode != 0, first.stdout
    assert said in first.stderr
    assert second.returncode == 0, second.stderr


def test_a_mute_card_stays_mute_for_the_next_program(table: Any) -> None:
    """Nobody cycled its power between the two calls, so the second one can't even read it."""
    first, second = faulty(table, "mute")
    assert "Operation failed: Transmit failed" in first.stderr
    assert "Failed to connect to card" in second.stderr
    assert second.returncode != 0
