"""Checks of the card itself: is one in, what reads it, and what state its codes are in."""

from collections.abc import Sequence
from dataclasses import replace

from sithsd.cli.doctor.check import Check, Told, bad, good, skipped, unknown
from sithsd.cli.doctor.facts import Facts
from sithsd.cli.doctor.readers import WITHOUT_CARD
from sithsd.cli.replies import CodeState, PassedOver, Reader, ReaderDiagnosis
from sithsd.values import Role

CARD, PROFILE, CODES = "card", "profile", "codes"

_READ = "ready"
# By the reader's state: what was found, where it is no card that can be used.
_UNFIT = {"empty": "absent", "mute": "mute", "unreadable": "unreadable"}


def card(facts: Facts) -> Check:
    """Tell whether a card is in, and can be read."""
    found = facts.reader
    if found is None:
        return skipped(CARD)
    inside = found.card
    told: Told = {"state": found.state, "reason": found.reason, "detail": found.detail, "kind": "unknown"}
    if inside is not None:
        told |= {"kind": inside.kind, "environment": inside.environment, "atr": inside.atr, "notes": list(inside.notes)}
    if found.state == _READ:
        return good(CARD, told)
    if found.state == "unsupported":
        # Read by a profile all the same: then it is another issuer's card.
        profile = inside.profile if inside else None
        return bad(CARD, "unsupported" if profile is None else "foreign", told)
    if found.state in _UNFIT:
        return bad(CARD, _UNFIT[found.state], told)
    if found.state == "reading":
        return unknown(CARD, "reading", told, hinders=True)
    # Busy before it was ever read: who holds it is another check's; or a state that a newer daemon knows.
    return unknown(CARD, "unread", told, hinders=True)


def profile(facts: Facts) -> Check:
    """Tell by which profile and backend the card is read, and why by this one."""
    found, examined = facts.reader, facts.examined
    if found is None or found.state in WITHOUT_CARD:
        return skipped(PROFILE)
    if examined is None:
        return unknown(PROFILE, "untold")
    told = _profile_facts(examined)
    if examined.profile is None:
        return _without_profile(found, examined, told)
    values = {"by": "atr" if (examined.identified_by or "").startswith("ATR") else "application"}
    made = unknown(PROFILE, "assumed", told) if examined.evidence == "assumed" else good(PROFILE, told)
    return replace(made, values=values)


def _without_profile(found: Reader, examined: ReaderDiagnosis, told: Told) -> Check:
    if found.state != "unsupported":
        return unknown(PROFILE, "untold", told)
    hindered = next((one for one in examined.passed_over if one.obstacle is not None), None)
    if hindered is None:
        return bad(PROFILE, "none", told)
    # Whether it would have fitted nobody knows: what to do next is about the card.
    return replace(bad(PROFILE, "hindered", told), values={"hindered": hindered.profile})


def _profile_facts(examined: ReaderDiagnosis) -> Told:
    return {
        "profile": examined.profile,
        "title": examined.title,
        "evidence": examined.evidence,
        "backend": examined.backend,
        "identifiedBy": examined.identified_by,
        "passedOver": [_passed_over(one) for one in examined.passed_over],
    }


def _passed_over(one: PassedOver) -> Told:
    status_word = None if one.status_word is None else f"{one.status_word:04X}"
    return {
        "profile": one.profile,
        "application": one.application,
        "statusWord": status_word,
        "obstacle": one.obstacle,
    }


def codes(facts: Facts) -> Check:
    """Tell the state of the authentication PIN, and whether the other codes are in order. It uses no try."""
    found = facts.reader
    if found is None or found.card is None or found.state != _READ:
        return skipped(CODES)
    asked = facts.card_codes.reply
    states = asked.codes if asked else found.card.codes
    told: Told = {"askedNow": asked is not None, "codes": [_state(one) for one in states]}
    pin = _of(states, Role.AUTHENTICATION)
    if pin is None:
        return bad(CODES, "absent", told)
    told["triesLeft"] = pin.tries_left
    serious = _of_pin(pin, _of(states, Role.PUK))
    if serious is not None:
        return bad(CODES, serious, told)
    if pin.tries_left is None and not pin.not_last:
        return unknown(CODES, "triesUnknown", told, hinders=True)  # it takes a person's word, too
    other = _of_others(states)
    if other is not None:
        return bad(CODES, other, told, hinders=False)
    return good(CODES, told, "good" if pin.tries_left is not None else "notLast")


def _of_pin(pin: CodeState, puk: CodeState | None) -> str | None:
    """Return what keeps the authentication PIN from being used, None for nothing."""
    if pin.activated is False:
        return "notActivated"
    if pin.blocked or pin.tries_left == 0:
        return "blockedForGood" if puk is not None and _used_up(puk) else "blocked"
    # Without a person's word for it the last try is not spent.
    return "lastTry" if pin.tries_left == 1 else None


def _of_others(states: Sequence[CodeState]) -> str | None:
    """Return what is wrong with codes that no log-in needs, None for nothing."""
    signature, puk = _of(states, Role.SIGNATURE), _of(states, Role.PUK)
    if puk is not None and _used_up(puk):
        return "pukUsedUp"
    if signature is None:
        return None
    if signature.activated is False:
        return "signatureNotActivated"
    if _used_up(signature):
        return "signatureBlocked"
    return "signatureLastTry" if signature.tries_left == 1 else None


def _used_up(code: CodeState) -> bool:
    return bool(code.blocked) or code.tries_left == 0


def _of(states: Sequence[CodeState], role: Role) -> CodeState | None:
    return next((one for one in states if one.role == role), None)


def _state(one: CodeState) -> Told:
    return {
        "role": one.role,
        "triesLeft": one.tries_left,
        "blocked": one.blocked,
        "activated": one.activated,
        "notLast": one.not_last,
    }
