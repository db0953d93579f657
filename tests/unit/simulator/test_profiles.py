"""Which shipped profile is taken for which simulated card: told apart by ATR, where the files are all alike."""

from collections.abc import Callable

import pytest

from sithsd.card import profile
from sithsd.card.registry import Registry
from sithsd.errors import ErrorCode, SithsdError
from sithsd.simulator import fixture
from sithsd.simulator.channel import InProcessChannel
from sithsd.simulator.shelf import Shelf

OTHERS = {"desk": "sim_desk", "transport": "sim_transport", "reserve": "pkcs15_generic"}
FAMILY = ("sim_pkcs15", "sim_desk", "sim_transport")


@pytest.mark.parametrize("name", sorted(set(fixture.names()) - {"strange"}))
def test_each_card_has_its_profile(shelf: Callable[..., Shelf], name: str) -> None:
    """Only the cards with an ATR of their own have another profile than the family's."""
    registry = Registry(profile.load_folder(profile.shipped_folder()))
    card = shelf(name).card(name)
    found = registry.identify(InProcessChannel(card), card.atr)
    assert found.profile.name == OTHERS.get(name, "sim_pkcs15")


def test_a_card_without_the_application_has_none(shelf: Callable[..., Shelf]) -> None:
    """The card with another applet is not taken for one of the family."""
    registry = Registry(profile.load_folder(profile.shipped_folder()))
    card = shelf("strange").card("strange")
    with pytest.raises(SithsdError) as refused:
        registry.identify(InProcessChannel(card), card.atr)
    assert refused.value.code is ErrorCode.CARD_UNSUPPORTED


def test_the_familys_profiles_differ_where_the_cards_do() -> None:
    """The simulated cards are one chip: unblocking, activation, ATR and names alone tell them apart."""
    shipped = {one.name: one for one in profile.load_folder(profile.shipped_folder()) if one.name in FAMILY}
    assert {name: (str(one.unblocking), str(one.activation)) for name, one in shipped.items()} == {
        "sim_pkcs15": ("holder", "puk"),
        "sim_desk": ("desk", "puk"),
        "sim_transport": ("holder", "transport-pin"),
    }
    common = {(one.backend, one.evidence, one.largest_read, str(one.probe), str(one.codes)) for one in shipped.values()}
    assert len(common) == 1
    hints = [hint.value for one in shipped.values() for hint in one.atr]
    assert len(hints) == len(set(hints)) == 4
