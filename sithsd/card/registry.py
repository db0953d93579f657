"""From a channel to the profile of the card behind it: the ATR is a hint, the probe decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sithsd.card import commands
from sithsd.card.backends.base import Backend
from sithsd.card.backends.pkcs11.backend import Pkcs11Backend
from sithsd.card.backends.pkcs15.backend import Pkcs15Backend
from sithsd.card.profile import Profile, ProfileError
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import atr as answer_to_reset
from sithsd.iso7816.channel import Channel
from sithsd.iso7816.status import StatusWord

_BACKENDS: dict[str, Callable[[Profile], Backend]] = {"pkcs15": Pkcs15Backend, "pkcs11": Pkcs11Backend}


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A profile that does not fit the card: by its ATR, or because of how the card answered to an application.

    `application` (AID in hexadecimal) and `status_word` are None where it is the ATR. `obstacle` tells in a sentence
    why a profile whose ATR fits, or that names none, can't be used on this machine now: the card was not asked then.
    """

    profile: str
    application: str | None = None
    status_word: int | None = None
    obstacle: str | None = None


class UnidentifiedError(SithsdError):
    """card.unsupported: no profile fits; `passed_over` tells why, each."""

    def __init__(self, passed_over: tuple[PassedOver, ...]) -> None:
        super().__init__(ErrorCode.CARD_UNSUPPORTED, "no profile fits this card")
        self.passed_over = passed_over


@dataclass(frozen=True, slots=True)
class Identified:
    """A card that a profile fits: the backend that reads it, and by what it was recognised.

    `selected` tells that the application the backend reads is the one that was selected last; `passed_over` which
    profiles were asked before, and did not fit.
    """

    profile: Profile
    backend: Backend
    by: str
    selected: bool
    passed_over: tuple[PassedOver, ...] = ()


class Registry:
    """All profiles, each with its backend."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        """Raise ProfileError for a profile whose backend or quirks sithsd does not have."""
        for profile in profiles:
            if profile.backend not in _BACKENDS:
                raise ProfileError(f"profile {profile.name}: there is no backend {profile.backend!r}")
            if profile.quirks:
                raise ProfileError(f"profile {profile.name}: there is no quirk {profile.quirks[0]!r}")
        entries = [(profile, _BACKENDS[profile.backend](profile)) for profile in profiles]
        self._entries = sorted(entries, key=_rank)

    def close(self) -> None:
        """End what the backends keep running. No operation may be under way."""
        for _, backend in self._entries:
            backend.close()

    def obstacles(self) -> dict[str, str]:
        """Return, by their names, the profiles that no card can have on this machine now, and why, in a sentence.

        Such as those whose PKCS#11 module is not installed. They are passed over when a card is identified.
        """
        found = ((profile.name, backend.obstacle()) for profile, backend in self._entries)
        return {name: why for name, why in found if why is not None}

    def identify(self, channel: Channel, atr: bytes) -> Identified:
        """Return the profile that the card answers to, of those that can be used on this machine now.

        Those whose ATR fits are asked first, and among equals those with a module of somebody else's last: what we do
        ourselves takes fewer commands and knows the counters. A profile that names ATRs is for those alone. Each
        application is asked for once. Raises UnidentifiedError if no profile fits, card.removed if the card goes.
        """
        answers: dict[str, int] = {}
        passed_over: list[PassedOver] = []
        for profile, backend in self._entries:
            misfit = self._misfit(channel, profile, backend, atr, answers)
            if misfit is not None:
                passed_over.append(misfit)
                continue
            by = f"ATR and application {profile.probe[0].aid}" if profile.atr else f"application {profile.probe[0].aid}"
            name = _name(profile.probe[0].aid)
            selected = answers[name] == StatusWord.SUCCESS and next(reversed(answers)) == name
            return Identified(profile, backend, by, selected, tuple(passed_over))
        raise UnidentifiedError(tuple(passed_over))

    def _misfit(
        self, channel: Channel, profile: Profile, backend: Backend, atr: bytes, answers: dict[str, int]
    ) -> PassedOver | None:
        """Return why a profile does not fit, None if it does."""
        if profile.atr and not _hinted(profile, atr):
            return PassedOver(profile.name)
        obstacle = backend.obstacle()
        if obstacle is not None:
            return PassedOver(profile.name, obstacle=obstacle)
        for step in profile.probe:
            answer = self._probe(channel, step.aid, answers)
            if answer not in _expected(step.expect):
                return PassedOver(profile.name, _name(step.aid), answer)
        return None

    @staticmethod
    def _probe(channel: Channel, aid: str, answers: dict[str, int]) -> int:
        name = _name(aid)
        if name not in answers:
            answers[name] = commands.select_application(channel, bytes.fromhex(name))
        return answers[name]


def _rank(entry: tuple[Profile, Backend]) -> tuple[bool, bool]:
    profile, _ = entry
    return not profile.atr, profile.pkcs11 is not None


def _hinted(profile: Profile, raw: bytes) -> bool:
    try:
        atr = answer_to_reset.parse(raw)
    except answer_to_reset.AtrError:
        return False
    return any(
        atr.matches(bytes.fromhex(hint.value), bytes.fromhex(hint.mask) if hint.mask else None) for hint in profile.atr
    )


def _name(aid: str) -> str:
    return aid.replace(" ", "").upper()


def _expected(words: list[str]) -> set[int]:
    return {int(word, 16) for word in words}
