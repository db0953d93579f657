"""Which card opens which account."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from pam_bench import HSA_ID, NOBODY, PIN, certificate, refused


def test_an_account_without_a_card_is_asked_nothing(stage: Any) -> None:
    """PAM_USER_UNKNOWN, without a word and without a call, so that the next module gets its turn."""
    liar, client = stage
    answer = client.log_in(typed=f"{PIN}\n", user="other")
    refused(answer, "USER_UNKNOWN")
    assert not answer.asked
    assert liar.asked == []


def test_the_wrong_card_is_told_before_a_pin_is_asked_for(stage: Any) -> None:
    """A card of somebody else's costs nobody a try."""
    liar, client = stage
    client.allow("tolvan hsaId:SE2321000016-9ZZ9", f"other hsaId:{HSA_ID}")
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTH_ERR")
    assert "not for this account" in answer.shown
    assert not answer.asked
    assert liar.calls("GetGuidance") == liar.calls("Authenticate") == []


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_a_fingerprint_names_a_card(stage: Any, case: Callable[[str], str]) -> None:
    """SHA-256 with or without colons, in either case; a card with another one stays outside."""
    liar, client = stage
    fingerprint = case(certificate(liar)["fingerprint"])
    client.allow("# who may what", "", f"  tolvan\tsha256:{fingerprint}   # since autumn")
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"
    pairs = ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2))
    client.allow(f"tolvan SHA256:{pairs}")
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"
    client.allow(f"tolvan sha256:{'0' * 64}")
    refused(client.log_in(typed=f"{PIN}\n"), "AUTH_ERR")


@pytest.mark.parametrize(
    "line",
    [
        "tolvan",
        f"tolvan {HSA_ID}",
        f"tolvan hsaId:{HSA_ID} more",
        "tolvan hsaId:",
        "tolvan hsaId:191212121212",
        "tolvan sha256:",
        f"tolvan sha256:{'0' * 63}",
        f"tolvan sha256:{'0' * 66}",
        f"tolvan sha256:{'g' * 64}",
        f"{'t' * 200} hsaId:{HSA_ID}",
        f"tolvan personalIdentityNumber:{HSA_ID}",
    ],
)
def test_a_line_that_is_not_understood_grants_nothing(stage: Any, line: str) -> None:
    """It is named in the log; the lines around it are followed."""
    _, client = stage
    client.allow("# a comment", line)
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "USER_UNKNOWN")
    assert "line 2: not an account and an identity" in answer.log
    client.allow("# a comment", line, f"tolvan hsaId:{HSA_ID.lower()}")
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"


def test_accounts_that_others_can_write_are_not_followed(stage: Any) -> None:
    """The file has to be root's, writable by root alone, a file, and of a size that can be read."""
    _, client = stage
    line = f"tolvan hsaId:{HSA_ID}"
    for mode in (0o664, 0o646):
        client.allow(line, mode=mode)
        answer = client.log_in(typed=f"{PIN}\n")
        refused(answer, "AUTHINFO_UNAVAIL")
        assert "has to be root's" in answer.log
    client.allow(line)
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"
    with client.accounts.open("a", encoding="utf-8") as file:
        file.write("#" * (1024 * 1024))
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")
    client.accounts.write_bytes(f"{line}\n\0".encode())
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")
    client.accounts.unlink()
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")
    os.mkfifo(client.accounts)
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")
    if os.geteuid() == 0:
        client.accounts.unlink()
        client.allow(line)
        os.chown(client.accounts, NOBODY, NOBODY)
        refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")


def test_without_a_name_the_card_tells_the_account(stage: Any) -> None:
    """A card that opens one account names it; one of none, or of several, does not."""
    _, client = stage
    answer = client.log_in(typed=f"{PIN}\n", user="")
    assert answer.result == "SUCCESS"
    assert answer.session["PAM_USER"] == "tolvan"
    client.allow(f"tolvan hsaId:{HSA_ID}", f"tolvan-admin hsaId:{HSA_ID}")
    several = client.log_in(typed=f"{PIN}\n", user="")
    refused(several, "USER_UNKNOWN")
    assert "several accounts" in several.shown
    assert client.log_in(typed=f"{PIN}\n", user="tolvan-admin").session["PAM_USER"] == "tolvan-admin"
    client.allow("tolvan hsaId:SE2321000016-9ZZ9")
    nobody = client.log_in(typed=f"{PIN}\n", user="")
    refused(nobody, "USER_UNKNOWN")
    assert "no account" in nobody.shown


def test_accounts_that_are_named_by_the_hsa_id(stage: Any) -> None:
    """map=hsa-id: the account is the HSA-id, in either case; other accounts have no card."""
    _, client = stage
    client.accounts.unlink()
    for user in (HSA_ID, HSA_ID.lower()):
        assert client.log_in("map=hsa-id", typed=f"{PIN}\n", user=user).result == "SUCCESS"
    assert client.log_in("map=hsa-id", typed=f"{PIN}\n", user="").session["PAM_USER"] == HSA_ID.lower()
    refused(client.log_in("map=hsa-id", typed=f"{PIN}\n", user="SE2321000016-9ZZ9"), "AUTH_ERR")
    for user in ("root", "tolvan"):
        refused(client.log_in("map=hsa-id", typed=f"{PIN}\n", user=user), "USER_UNKNOWN")
