"""The shelf: cards made at first use, kept as they were left."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sithsd.simulator.fixture import FixtureError
from sithsd.simulator.shelf import Shelf


def test_a_card_is_made_once(shelf: Callable[..., Shelf]) -> None:
    """Asking again gives the same keys and certificates."""
    own = shelf("protected")
    assert own.card("protected").image == own.card("protected").image


def test_a_copied_shelf_is_independent(made: Shelf, tmp_path: Path) -> None:
    """What happens to a card on the copy does not happen to the first one; the configuration names the new place."""
    made.card("protected")
    made.write_configuration()
    copy = made.copy_to(tmp_path)
    card = copy.card("protected")
    card.power_on()
    card.transmit(bytes.fromhex("0020000108") + b"000000\xff\xff")
    assert copy.card("protected").tries_left("authentication") == 2
    assert made.card("protected").tries_left("authentication") == 3
    assert str(tmp_path) in copy.configuration.read_text()


@pytest.mark.parametrize("file", ["image.json", "counters.json"])
def test_a_damaged_memory_is_named(shelf: Callable[..., Shelf], file: str) -> None:
    """A file that can't be read is told with its place and the way out."""
    own = shelf("protected")
    (own.folder / "cards" / "protected" / file).write_text("{")
    with pytest.raises(FixtureError, match="reset the card"):
        own.card("protected")
    own.renew("protected")
    assert own.card("protected").tries_left("authentication") == 3


def test_a_half_made_card_is_made_anew(shelf: Callable[..., Shelf]) -> None:
    """Personalisation that was interrupted leaves no card: the counters are written last."""
    own = shelf("protected")
    (own.folder / "cards" / "protected" / "counters.json").unlink()
    assert own.card("protected").tries_left("puk") == 10


def test_a_card_of_ones_own_names_its_file_in_errors(made: Shelf, tmp_path: Path) -> None:
    """A fault in a file that is not on the card is told with the fixture's path."""
    path = tmp_path / "mine.toml"
    path.write_text('identities = []\n[[faults]]\nfile = "EF.None"\nkind = "noise"\n')
    with pytest.raises(FixtureError, match=r"mine\.toml: EF\.None is neither"):
        made.card(str(path))
