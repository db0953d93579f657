"""A desk's renewal: new certificates, the same card."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from sithsd.clock import FixedClock
from sithsd.simulator.card import Card
from sithsd.simulator.fixture import FixtureError
from sithsd.simulator.image import Image, Role
from sithsd.simulator.pkcs15 import PATHS
from sithsd.simulator.renewal import Renewal
from sithsd.simulator.shelf import Shelf


def own(image: Image) -> list[x509.Certificate]:
    """Return the certificates as their files hold them."""
    files = {file.path: file.content for file in image.files}
    paths = [b"\x3f\x00\x50\x15" + (0x4331 + number).to_bytes(2, "big") for number in range(len(image.certificates))]
    return [x509.load_der_x509_certificate(files[path]) for path in paths]


def token_info(image: Image) -> bytes:
    """Return the content of EF.TokenInfo."""
    return next(file.content for file in image.files if file.path == PATHS["EF.TokenInfo"])


def test_all_is_new_but_the_card(shelf: Callable[..., Shelf]) -> None:
    """Certificates and keys are others, valid from today; serial number, codes, counters and layout stay."""
    own_shelf = shelf("ordinary")
    before = own_shelf.card("ordinary")
    before.power_on()
    before.transmit(bytes.fromhex("0020000108") + b"000000\xff\xff")
    after = own_shelf.renew_certificates("ordinary")
    old, new = own(before.image), own(after.image)
    assert len(new) == len(old) == 4
    assert not {one.serial_number for one in old} & {one.serial_number for one in new}
    assert not [one for one in new if one.public_key() in [other.public_key() for other in old]]
    assert [one.subject for one in new] == [one.subject for one in old]
    assert {one.not_valid_before_utc for one in new} == {datetime(2024, 1, 15, tzinfo=UTC)}
    assert after.image.serial == before.image.serial
    assert [file.path for file in after.image.files] == [file.path for file in before.image.files]
    assert after.tries_left(Role.AUTHENTICATION) == 2
    assert token_info(after.image) != token_info(before.image)
    assert own_shelf.card("ordinary").image == after.image


def test_the_same_keys_may_be_certified_again(shelf: Callable[..., Shelf]) -> None:
    """Then the public keys are the same and the certificates are not."""
    own_shelf = shelf("protected")
    before = own_shelf.card("protected").image
    after = own_shelf.renew_certificates("protected", Renewal(same_keys=True)).image
    old, new = own(before), own(after)
    assert [one.public_key() for one in new] == [one.public_key() for one in old]
    assert not {one.serial_number for one in old} & {one.serial_number for one in new}
    assert after.keys == before.keys


def test_one_certificate_alone(shelf: Callable[..., Shelf]) -> None:
    """What is not named stays as it is, certificate and key."""
    own_shelf = shelf("ordinary")
    before = own_shelf.card("ordinary").image
    after = own_shelf.renew_certificates("ordinary", Renewal(which=[3])).image
    changed = [old != new for old, new in zip(own(before), own(after), strict=True)]
    assert changed == [False, False, True, False]
    assert [old != new for old, new in zip(before.keys, after.keys, strict=True)] == changed


def test_last_update_moves_however_soon(shelf: Callable[..., Shelf]) -> None:
    """Two renewals within one second tell two moments; a desk that leaves it leaves every byte of the file."""
    own_shelf = shelf("protected")
    told = [token_info(own_shelf.card("protected").image)]
    told += [token_info(own_shelf.renew_certificates("protected").image) for _ in range(2)]
    assert len(set(told)) == 3
    kept = own_shelf.renew_certificates("protected", Renewal(keep_last_update=True)).image
    assert token_info(kept) == told[-1]


def test_a_card_may_tell_no_last_update(made: Shelf, tmp_path: Path) -> None:
    """With `last_update = false` EF.TokenInfo is the same before and after."""
    path = tmp_path / "untold.toml"
    path.write_text('identities = ["hsaId"]\n[chip]\nlast_update = false\n')
    before = made.card(str(path)).image
    after = made.renew_certificates(str(path)).image
    assert token_info(after) == token_info(before)
    assert own(after) != own(before)


def test_codes_that_were_chosen_stay_chosen(shelf: Callable[..., Shelf]) -> None:
    """EF.AODF of an activated card says so after a renewal, too, and of one that is not activated it does not."""

    def aodf(card: Card) -> bytes:
        card.power_on()
        for command in ("00A4040C0CA000000063504B43532D3135", "00A4090C024401"):
            assert card.transmit(bytes.fromhex(command))[1] == 0x9000
        return card.transmit(bytes.fromhex("00B0000000"))[0]

    own_shelf = shelf("inactive")
    new = own_shelf.card("inactive")
    before = aodf(new)
    assert aodf(own_shelf.renew_certificates("inactive")) == before
    new = own_shelf.card("inactive")
    new.power_on()
    for reference in ("01", "02"):
        command = bytes.fromhex(f"002C00{reference}10") + b"12345678" + b"918273\xff\xff"
        assert new.transmit(command)[1] == 0x9000
    activated = aodf(new)
    assert activated != before
    assert aodf(own_shelf.renew_certificates("inactive")) == activated


@pytest.mark.parametrize("name", ["strange", "ordinary"])
def test_what_is_not_there_is_not_renewed(shelf: Callable[..., Shelf], name: str) -> None:
    """A card without certificates, and a certificate that the card has not got, are refused by name."""
    with pytest.raises(FixtureError, match=rf"{name}: the card has"):
        shelf(name).renew_certificates(name, Renewal(which=[5]))


def test_the_clock_counts(made: Shelf, tmp_path: Path, clock: FixedClock) -> None:
    """What is renewed later is valid from then."""
    made.card("protected")
    made.copy_to(tmp_path)
    later = Shelf(tmp_path, FixedClock(clock.now() + timedelta(days=100)))
    after = later.renew_certificates("protected").image
    assert {one.not_valid_before_utc for one in own(after)} == {datetime(2024, 4, 24, tzinfo=UTC)}
