"""Which profile a card gets."""

import pytest

from sithsd.card.profile import AtrHint, Evidence, Probe, Profile
from sithsd.card.registry import PassedOver, Registry, UnidentifiedError
from sithsd.errors import ErrorCode, SithsdError

ONE, TWO = "A0 00 00 00 01", "a000000002"
ATR = bytes.fromhex("3B F5 18 00 00 81 31 FE 45 4D 79 45 49 44 9A")
MASK = "FF FF FF FF FF FF FF FF FF FF FF 00 00 00 00"


class Chip:
    """Knows some applications."""

    def __init__(self, *known: str, other: int = 0x6A82) -> None:
        self._known = {bytes.fromhex(aid) for aid in known}
        self._other = other
        self.asked: list[bytes] = []

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Answer SELECT by name."""
        self.asked.append(command[5:])
        return b"", 0x9000 if command[5:] in self._known else self._other


def profile(name: str, *probe: Probe, atr: list[AtrHint] | None = None) -> Profile:
    """Return a profile with these probe steps."""
    return Profile(name=name, title="", backend="pkcs15", evidence=Evidence.ASSUMED, probe=list(probe), atr=atr or [])


def test_the_probe_decides() -> None:
    """A profile fits if every step of its probe is answered as expected."""
    registry = Registry([profile("both", Probe(aid=ONE), Probe(aid=TWO)), profile("one", Probe(aid=ONE))])
    assert registry.identify(Chip(ONE, TWO), ATR).profile.name == "both"
    assert registry.identify(Chip(ONE), ATR).profile.name == "one"
    with pytest.raises(SithsdError) as error:
        registry.identify(Chip(TWO), ATR)
    assert error.value.code is ErrorCode.CARD_UNSUPPORTED


def test_an_application_may_have_to_be_absent() -> None:
    """A step may expect that an application is not there."""
    registry = Registry([profile("one-alone", Probe(aid=ONE), Probe(aid=TWO, expect=["6A82", "6A86"]))])
    assert not registry.identify(Chip(ONE), ATR).selected, "the last SELECT was of the other application"
    with pytest.raises(SithsdError):
        registry.identify(Chip(ONE, TWO), ATR)


def test_each_application_is_asked_for_once() -> None:
    """However many profiles ask for an application, the card is asked once, and the answer is remembered."""
    registry = Registry([profile(name, Probe(aid=aid)) for name, aid in (("a", ONE), ("b", "a000000001"), ("c", TWO))])
    chip = Chip(TWO)
    assert registry.identify(chip, ATR).profile.name == "c"
    assert chip.asked == [bytes.fromhex(ONE), bytes.fromhex(TWO)]


def test_whether_the_application_is_selected() -> None:
    """Only an application that was selected last, with success, need not be selected again."""
    assert Registry([profile("a", Probe(aid=ONE))]).identify(Chip(ONE), ATR).selected
    lenient = Registry([profile("a", Probe(aid=ONE, expect=["9000", "6A82"]))])
    assert not lenient.identify(Chip(), ATR).selected
    late = Registry([profile("b", Probe(aid=TWO), Probe(aid=ONE)), profile("c", Probe(aid=TWO))])
    assert not late.identify(Chip(TWO), ATR).selected


def test_the_atr_is_a_hint() -> None:
    """A profile that names ATRs is asked before those that don't, and only for cards with one of them."""
    hinted = profile("hinted", Probe(aid=ONE), atr=[AtrHint(value=ATR.hex())])
    registry = Registry([profile("any", Probe(aid=ONE)), hinted])
    assert registry.identify(Chip(ONE), ATR).profile.name == "hinted"
    other = bytes.fromhex("3B7F9600008031806 5B0850400111202F0829000".replace(" ", ""))
    assert registry.identify(Chip(ONE), other).profile.name == "any"
    assert registry.identify(Chip(ONE), b"\x00").profile.name == "any"
    with pytest.raises(SithsdError):
        Registry([hinted]).identify(Chip(), ATR)


def test_masks() -> None:
    """Only the bits set in the mask have to agree."""
    masked = Registry([profile("masked", Probe(aid=ONE), atr=[AtrHint(value=ATR[:11].hex() + "00" * 4, mask=MASK)])])
    assert masked.identify(Chip(ONE), ATR).profile.name == "masked"


def test_by_what_it_was_recognised() -> None:
    """It is told whether the ATR took part."""
    hinted = profile("hinted", Probe(aid=ONE), atr=[AtrHint(value=ATR.hex())])
    assert Registry([hinted]).identify(Chip(ONE), ATR).by == f"ATR and application {ONE}"
    assert Registry([profile("any", Probe(aid=ONE))]).identify(Chip(ONE), ATR).by == f"application {ONE}"


def test_no_profiles_no_card() -> None:
    """Without profiles every card is unsupported, and nothing is sent."""
    chip = Chip(ONE)
    with pytest.raises(SithsdError):
        Registry([]).identify(chip, ATR)
    assert chip.asked == []


def test_profiles_that_were_passed_over_are_told_with_the_reason() -> None:
    """By the ATR, or by the answer to the very application that was not as expected; those after the fit are not."""
    registry = Registry(
        [
            profile("hinted", Probe(aid=ONE), atr=[AtrHint(value="3B 00")]),
            profile("both", Probe(aid=TWO), Probe(aid=ONE)),
            profile("fits", Probe(aid=TWO)),
            profile("later", Probe(aid=TWO)),
        ]
    )
    passed_over = (PassedOver("hinted"), PassedOver("both", "A000000001", 0x6A82))
    assert registry.identify(Chip(TWO), ATR).passed_over == passed_over
    with pytest.raises(UnidentifiedError) as error:
        registry.identify(Chip(other=0x6999), ATR)
    assert error.value.passed_over == (
        PassedOver("hinted"),
        *(PassedOver(name, "A000000002", 0x6999) for name in ("both", "fits", "later")),
    )
