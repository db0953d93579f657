"""From what a module shows to what a card holds: tokens become codes, their objects certificates."""

from collections.abc import Sequence
from dataclasses import replace

from sithsd.card.backends.pkcs11 import keys, messages
from sithsd.card.backends.pkcs15 import reading as files
from sithsd.card.backends.pkcs15.objects import Token
from sithsd.card.model import CardCertificate, CardContents, CardKey, CodeReference, Encoding
from sithsd.card.profile import KnownCode, Profile
from sithsd.card.transport import CardChannel
from sithsd.errors import ErrorCode, SithsdError
from sithsd.values import Role

# The module addresses a code by its token; there is no reference.
_NONE = -1
_MOST_DIGITS = 64


def about(channel: CardChannel, profile: Profile) -> Token:
    """Return what EF.TokenInfo tells, read by our own commands. Raises card.unsupported, card.unreadable."""
    files.select(channel, profile)
    return files.token(channel)


def serial(tokens: Sequence[messages.Token]) -> str | None:
    """Return the card's serial number as its tokens tell it, None if they tell none.

    Raises card.unsupported if there is no token.
    """
    if not tokens:
        raise SithsdError(ErrorCode.CARD_UNSUPPORTED, "the module sees no token in this reader")
    return tokens[0].serial.upper() or None


def contents(
    found: Sequence[tuple[messages.Token, messages.Objects]], told: Token | None, profile: Profile
) -> CardContents:
    """Return what a card holds. `told` is what EF.TokenInfo says, where the profile has it asked for.

    Raises card.unsupported if there is no token.
    """
    tokens = [token for token, _ in found]
    number = serial(tokens)
    notes: list[str] = []
    codes = _codes(tokens, profile, notes)
    certificates = {
        (one.id, one.der): CardCertificate(one.id, one.der, one.label or None)
        for _, objects in found
        for one in objects.certificates
        if one.der
    }
    if any(not one.der for _, objects in found for one in objects.certificates):
        notes.append("certificate.absent")
    return CardContents(
        serial=number if told is None else files.serial(told),
        label=tokens[0].label or None if told is None else told.label,
        manufacturer=tokens[0].manufacturer or None if told is None else told.manufacturer,
        codes=codes,
        # By the card's own ids: the order of the tokens is the module's.
        certificates=tuple(certificates[key] for key in sorted(certificates)),
        notes=tuple(dict.fromkeys(notes)),
        keys=keys.merged([key for token, objects in found for key in _keys(token, objects, profile)]),
    )


def _keys(token: messages.Token, objects: messages.Objects, profile: Profile) -> list[CardKey]:
    role = role_of(token, profile)
    return [] if role is None or role is Role.PUK else keys.of_token(objects, role)


def _codes(tokens: Sequence[messages.Token], profile: Profile, notes: list[str]) -> tuple[CodeReference, ...]:
    """Return the codes by role: one for each token that is known by its label, and the PUK if the module takes it."""
    known = {code.role: code for code in profile.codes.known}
    puk = known[Role.PUK].reference if Role.PUK in known else _NONE
    unblocks = profile.pkcs11 is not None and profile.pkcs11.unblocks
    found: dict[Role, CodeReference] = {}
    for token in tokens:
        role = role_of(token, profile)
        if role is None or role is Role.PUK or role in found:
            notes.append("code.unrecognised")
            continue
        made = _known(known[role]) if role in known else _of_token(role, token, puk if unblocks else None)
        found[role] = replace(made, label=token.label, token=token.serial)
    if found and (unblocks or Role.PUK in known):
        made = _known(known[Role.PUK]) if Role.PUK in known else CodeReference(Role.PUK, _NONE)
        # The security officer's flags are told by every token of the card.
        first = next(iter(found.values()))
        found[Role.PUK] = replace(made, label=first.label, token=first.token)
    return tuple(found[role] for role in Role if role in found)


def role_of(token: messages.Token, profile: Profile) -> Role | None:
    """Return what a token's PIN is for, by the words for its label; None where none, or more than one, fits."""
    label = token.label.casefold()
    named = [role for role, words in profile.codes.labels.items() if any(word.casefold() in label for word in words)]
    return named[0] if len(named) == 1 else None


def _of_token(role: Role, token: messages.Token, puk: int | None) -> CodeReference:
    sensible = 0 < token.min_length <= token.max_length <= _MOST_DIGITS
    return CodeReference(
        role=role,
        reference=_NONE,
        min_length=token.min_length if sensible else None,
        max_length=token.max_length if sensible else None,
        unblocked_by=puk,
    )


def _known(form: KnownCode) -> CodeReference:
    return CodeReference(
        role=form.role,
        reference=form.reference,
        min_length=form.min_length,
        max_length=form.max_length,
        stored_length=form.stored_length,
        padding=form.padding,
        encoding=Encoding(form.encoding),
        unblocked_by=form.unblocked_by,
    )
