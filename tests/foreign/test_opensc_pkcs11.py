"""OpenSC's PKCS#11 module, driven by pkcs11-tool, p11tool and ssh-keygen, judges the simulated card.

Every signature goes into a fresh file and is checked by openssl against the certificate read from the card.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

CODES = {"PIN": "123456", "SIGNATURE": "654321", "WRONG": "000000"}
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
TEXT = b"What is signed here has no meaning.\n"
both_protocols = pytest.mark.parametrize("name", ["ordinary", "ordinary-t0"])
# One PKCS#11 slot per PIN: slot, code, and the identifier of the first key behind it.
both_keys = pytest.mark.parametrize(("slot", "code", "ident"), [("0", "PIN", "45"), ("1", "SIGNATURE", "46")])


@pytest.fixture
def module() -> str:
    """Return the PKCS#11 module's path, wherever this machine's architecture has it."""
    found = sorted(Path("/usr/lib").glob("*/opensc-pkcs11.so"))
    assert found, "opensc-pkcs11 is not installed"
    return str(found[0])


def ask(table: Any, *arguments: str) -> str:
    """Call pkcs11-tool, which has to succeed; return what it said."""
    done = table.tool("pkcs11-tool", *arguments, codes=CODES)
    assert done.returncode == 0, done.stderr
    return done.stdout


def flags(table: Any, slot: int) -> str:
    """Return the token flags of a slot, as C_GetTokenInfo tells them."""
    found = re.findall(r"token flags +: (.*)", ask(table, "--list-slots"))
    return found[slot]


def public_key(table: Any, ident: str) -> str:
    """Read a certificate from the card, and return the file of its public key."""
    done = table.tool("pkcs15-tool", "--read-certificate", ident)
    assert done.returncode == 0, done.stderr
    (table.folder / "certificate.pem").write_text(done.stdout)
    done = table.tool("openssl", "x509", "-in", "certificate.pem", "-pubkey", "-noout", "-out", "public.pem")
    assert done.returncode == 0, done.stderr
    return "public.pem"


def sign(table: Any, where: tuple[str, str, str], mechanism: list[str], data: bytes) -> None:
    """Sign `data` into the fresh file "signature"; `where` is slot, code and identifier of the key."""
    slot, code, ident = where
    (table.folder / "data").write_bytes(data)
    assert not (table.folder / "signature").exists()
    ask(
        table, "--slot", slot, "--login", "--pin", f"env:{code}", "--sign", "--id", ident,
        "--mechanism", *mechanism, "--input-file", "data", "--output-file", "signature",
    )  # fmt: skip
    assert (table.folder / "signature").stat().st_size == 256


def check(table: Any, key: str, *options: str) -> None:
    """Let openssl check the signature over the text."""
    (table.folder / "text").write_bytes(TEXT)
    done = table.tool("openssl", "dgst", "-sha256", *options, "-verify", key, "-signature", "signature", "text")
    assert done.stdout.strip() == "Verified OK", done.stderr
    (table.folder / "text").write_bytes(TEXT + b"x")
    done = table.tool("openssl", "dgst", "-sha256", *options, "-verify", key, "-signature", "signature", "text")
    assert done.returncode != 0


PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")


@both_protocols
def test_objects_are_listed(table: Any, name: str) -> None:
    """Certificates and public keys of the first PIN's token, with the holder's name in the subject."""
    table.insert(name)
    listed = ask(table, "--list-objects")
    assert listed.count("Certificate Object") == 2
    assert listed.count("Public Key Object; RSA 2048 bits") == 2
    assert "CN=Tolvan Tolvansson" in listed


@both_keys
def test_private_keys_are_listed_after_login(table: Any, slot: str, code: str, ident: str) -> None:
    """Two private keys behind each PIN; those of the signature ask for the code each time."""
    table.insert("ordinary")
    listed = ask(table, "--slot", slot, "--login", "--pin", f"env:{code}", "--list-objects", "--type", "privkey")
    assert listed.count("Private Key Object; RSA") == 2
    assert f"ID:         {ident}" in listed
    assert ("always authenticate" in listed.lower()) == (slot == "1")


@both_protocols
@both_keys
def test_rsa_pkcs_signs_a_digest_info(table: Any, name: str, slot: str, code: str, ident: str) -> None:
    """CKM_RSA_PKCS: the caller makes the DigestInfo, the card pads and signs it."""
    table.insert(name)
    key = public_key(table, ident)
    sign(table, (slot, code, ident), ["RSA-PKCS"], SHA256_INFO + hashlib.sha256(TEXT).digest())
    check(table, key)


@pytest.mark.both_drivers
@both_protocols
@both_keys
def test_sha256_rsa_pkcs_signs_a_text(table: Any, name: str, slot: str, code: str, ident: str) -> None:
    """CKM_SHA256_RSA_PKCS: the module hashes."""
    table.insert(name)
    key = public_key(table, ident)
    sign(table, (slot, code, ident), ["SHA256-RSA-PKCS"], TEXT)
    check(table, key)


@both_keys
def test_rsa_pss_signs_a_hash(table: Any, slot: str, code: str, ident: str) -> None:
    """CKM_RSA_PKCS_PSS: the caller hashes, the module pads, the card does the bare operation in two halves."""
    table.insert("ordinary")
    key = public_key(table, ident)
    mechanism = ["RSA-PKCS-PSS", "--hash-algorithm", "SHA256"]
    sign(table, (slot, code, ident), mechanism, hashlib.sha256(TEXT).digest())
    check(table, key, *PSS)


@both_protocols
@both_keys
def test_sha256_rsa_pss_signs_a_text(table: Any, name: str, slot: str, code: str, ident: str) -> None:
    """CKM_SHA256_RSA_PKCS_PSS."""
    table.insert(name)
    key = public_key(table, ident)
    sign(table, (slot, code, ident), ["SHA256-RSA-PKCS-PSS"], TEXT)
    check(table, key, *PSS)


def test_the_second_identity_signs_with_its_own_key(table: Any) -> None:
    """The key of the personal identity is another one: its signature fits its own certificate only."""
    table.insert("ordinary")
    key = public_key(table, "47")
    sign(table, ("0", "PIN", "47"), ["SHA256-RSA-PKCS"], TEXT)
    check(table, key)
    done = table.tool(
        "openssl", "dgst", "-sha256", "-verify", public_key(table, "45"), "-signature", "signature", "text"
    )
    assert done.returncode != 0


def test_an_old_card_signs_with_exponent_3(table: Any) -> None:
    """The older card's keys have the public exponent 3."""
    table.insert("old")
    key = public_key(table, "45")
    sign(table, ("0", "PIN", "45"), ["SHA256-RSA-PKCS"], TEXT)
    check(table, key)


@pytest.mark.both_drivers
def test_wrong_pins_lower_the_flags(table: Any) -> None:
    """PKCS#11 tells "final try" after two wrong codes and "locked" after three; the other PIN is untouched."""
    table.insert("ordinary")
    assert "final" not in flags(table, 0)
    expected = ["", "final user PIN try", "user PIN locked"]
    for flag in expected:
        done = table.tool("pkcs11-tool", "--login", "--pin", "env:WRONG", "--list-objects", codes=CODES)
        assert "CKR_PIN_INCORRECT" in done.stderr
        assert flag in flags(table, 0)
    assert "locked" not in flags(table, 1)
    done = table.tool("pkcs11-tool", "--login", "--pin", "env:PIN", "--list-objects", codes=CODES)
    assert "CKR_PIN_LOCKED" in done.stderr


def test_a_right_pin_clears_the_final_try(table: Any) -> None:
    """After the right code the flag is gone."""
    table.insert("ordinary")
    for _ in range(2):
        table.tool("pkcs11-tool", "--login", "--pin", "env:WRONG", "--list-objects", codes=CODES)
    assert "final user PIN try" in flags(table, 0)
    ask(table, "--login", "--pin", "env:PIN", "--list-objects")
    assert "final" not in flags(table, 0)


def test_p11tool_lists_tokens_and_certificates(table: Any, module: str) -> None:
    """GnuTLS's p11tool sees a token per PIN, and their certificates."""
    table.insert("ordinary")
    tokens = table.tool("p11tool", "--provider", module, "--list-tokens")
    urls = re.findall(r"URL: (pkcs11:.*)", tokens.stdout)
    ours = [url for url in urls if "manufacturer=SIM" in url]
    assert len(ours) == 2, tokens.stdout + tokens.stderr
    listed = table.tool("p11tool", "--provider", module, "--list-all-certs", ours[0])
    assert listed.returncode == 0
    assert listed.stdout.count("Type: X.509 Certificate (RSA-2048)") == 2
    assert "Label: Legitimering HSA-id" in listed.stdout


def test_ssh_keygen_lists_the_keys(table: Any, module: str) -> None:
    """OpenSSH finds the card's public keys, and the first one is that of the certificate."""
    table.insert("ordinary")
    listed = table.tool("ssh-keygen", "-D", module)
    assert listed.returncode == 0, listed.stderr
    keys = [line.split()[:2] for line in listed.stdout.splitlines() if line.startswith("ssh-rsa ")]
    converted = table.tool("ssh-keygen", "-i", "-m", "PKCS8", "-f", public_key(table, "45"))
    assert converted.stdout.split()[:2] in keys
    assert len({key for _, key in keys}) >= 2


@pytest.mark.both_drivers
def test_a_card_taken_out_is_no_token(table: Any) -> None:
    """After removal the reader is there and empty."""
    table.insert("ordinary")
    assert "SIM SITHS" in ask(table, "--list-slots")
    table.remove()
    listed = ask(table, "--list-slots")
    assert "SIM SITHS" not in listed
    assert table.stage.reader_names[0] in listed
