"""The `pkcs15` backend, reading: EF.DIR or the AID, EF.ODF, then what its directory files lead to."""

from collections.abc import Iterator
from dataclasses import replace

from sithsd.card import commands
from sithsd.card.backends.pkcs15 import files, objects
from sithsd.card.backends.pkcs15.recognition import marks
from sithsd.card.model import CardCertificate, CardContents, CardKey, CodeReference, Encoding
from sithsd.card.profile import CodeRules, Freshness, KnownCode, Profile
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816.channel import Channel
from sithsd.iso7816.status import StatusWord
from sithsd.values import Role

EF_DIR = b"\x3f\x00\x2f\x00"
# File identifiers inside the application (ISO/IEC 7816-15:2016, 7.4).
EF_ODF = b"\x50\x31"
EF_TOKEN_INFO = b"\x50\x32"
_MAX_CODES = 8
_SIGNING = frozenset({"sign", "sign-recover", "non-repudiation"})


def select(channel: Channel, profile: Profile) -> None:
    """Select the card's PKCS#15 application: by its AID, else where EF.DIR says it is. Raises card.unsupported."""
    aid = bytes.fromhex(profile.probe[0].aid)
    status_word = commands.select_application(channel, aid)
    if status_word == StatusWord.SUCCESS:
        return
    try:
        path = objects.application_path(files.read_directory(channel, EF_DIR), aid)
    except files.FileAbsent:
        path = None
    if path is None or commands.select_file(channel, path) != StatusWord.SUCCESS:
        raise SithsdError(
            ErrorCode.CARD_UNSUPPORTED, "the card has no PKCS#15 application", status_word=status_word
        ) from None


def token(channel: Channel) -> objects.Token:
    """Return EF.TokenInfo of the selected application; nothing known if there is none."""
    try:
        content = files.read_object(channel, EF_TOKEN_INFO)
    except files.FileAbsent:
        return objects.Token()
    return objects.token(content) if content else objects.Token()


def serial(found: objects.Token) -> str | None:
    """Return the card's serial number as upper-case hexadecimal, None if the card does not tell one."""
    return found.serial.hex().upper() if found.serial else None


def read(channel: Channel, profile: Profile, piece: int) -> CardContents:
    """Read the whole card, whose application is selected, `piece` bytes at a time. Raises card.unreadable."""
    rules = profile.codes
    about = token(channel)
    try:
        directory = objects.directory(files.read_directory(channel, EF_ODF, piece))
    except files.FileAbsent:
        raise files.unreadable("EF.ODF is absent") from None
    pins = objects.pins(_entries(channel, directory.get("auth_objects", []), piece))
    keys = objects.keys(_entries(channel, directory.get("private_keys", []), piece))
    entries = objects.certificates(_entries(channel, directory.get("certificates", []), piece))
    others = [path for kind in ("trusted_certificates", "useful_certificates") for path in directory.get(kind, [])]
    notes: list[str] = []
    entries += [replace(one, authority=True) for one in objects.certificates(_entries(channel, others, piece))]
    if len(entries) > files.MAX_OBJECTS:
        raise files.unreadable(f"the card has more than {files.MAX_OBJECTS} certificates")
    certificates = _certificates(channel, entries, notes, piece)
    kept = _kept(pins, keys, rules, notes)
    codes = _codes(kept, rules)
    return CardContents(
        serial(about),
        about.label,
        about.manufacturer,
        codes,
        certificates,
        tuple(dict.fromkeys(notes)),
        tuple(_keys(keys, kept)),
        marks(about, entries, certificates, codes) if profile.freshness is Freshness.LAST_UPDATE else None,
    )


def _entries(channel: Channel, paths: list[bytes], piece: int) -> list[bytes]:
    found: list[bytes] = []
    for path in paths[: files.MAX_OBJECTS]:
        try:
            found += files.read_directory(channel, path, piece)
        except files.FileAbsent:
            raise files.unreadable(f"directory file {path.hex().upper()} is absent") from None
        if len(found) > files.MAX_OBJECTS:
            raise files.unreadable(f"the card has more than {files.MAX_OBJECTS} objects of a kind")
    return found


def _certificates(
    channel: Channel, entries: list[objects.CertificateEntry], notes: list[str], piece: int
) -> tuple[CardCertificate, ...]:
    found = []
    for entry in entries:
        der = entry.der
        if entry.place is not None:
            try:
                der = files.read_object(channel, entry.place.path, entry.place.start, entry.place.length, piece)
            except files.FileAbsent:
                der = b""
        if der:
            found.append(CardCertificate(entry.id, der, entry.label))
        else:
            # Cards have room for certificates that are not issued yet: an empty place is not a broken card.
            notes.append("certificate.absent")
    return tuple(found)


def _kept(
    pins: list[objects.Pin], keys: list[objects.Key], rules: CodeRules, notes: list[str]
) -> dict[Role, objects.Pin]:
    """Return the card's codes that can be used, by their roles."""
    if len(pins) > _MAX_CODES:
        raise files.unreadable(f"the card has more than {_MAX_CODES} codes")
    unblocking = frozenset(pin.unblocked_by for pin in pins if pin.unblocked_by)
    kept: dict[Role, objects.Pin] = {}
    for pin in pins:
        role = _role(pin, keys, rules, unblocking)
        if role is None or role in kept or not _can_be_sent(pin):
            notes.append("code.unrecognised")
        else:
            kept[role] = pin
    return kept


def _codes(kept: dict[Role, objects.Pin], rules: CodeRules) -> tuple[CodeReference, ...]:
    """Return the codes by role: what the card says of itself, where the profile does not know better."""
    found = {role: _from_card(role, pin, kept.get(Role.PUK)) for role, pin in kept.items()}
    for known in rules.known:
        found[known.role] = _from_profile(known)
    return tuple(found[role] for role in Role if role in found)


def _keys(keys: list[objects.Key], kept: dict[Role, objects.Pin]) -> Iterator[CardKey]:
    """Yield the keys that can sign, each with the role of the code before it; keys behind no such code are left out."""
    roles = {pin.auth_id: role for role, pin in kept.items() if pin.auth_id and role is not Role.PUK}
    for key in keys:
        role = roles.get(key.auth_id or b"")
        if role is not None and key.kind is not None and key.usage & _SIGNING:
            yield CardKey(key.id, role, key.kind, key.size, key.reference, key.path, key.consent)


def _can_be_sent(pin: objects.Pin) -> bool:
    """Tell whether it is known which bytes the card takes for this code: a guess would cost a try."""
    return pin.encoding is not None and not ("needs-padding" in pin.flags and pin.padding is None)


def _from_card(role: Role, pin: objects.Pin, puk: objects.Pin | None) -> CodeReference:
    encoding = pin.encoding or Encoding.ASCII
    capacity = pin.stored_length * 2 if encoding is Encoding.BCD else pin.stored_length
    return CodeReference(
        role=role,
        reference=pin.reference,
        min_length=pin.min_length,
        max_length=pin.max_length if pin.max_length is not None else capacity,
        stored_length=pin.stored_length,
        padding=pin.padding if "needs-padding" in pin.flags else None,
        encoding=encoding,
        unblocked_by=puk.reference if puk is not None and _serves(puk, pin) else None,
        path=pin.path or None,
        label=pin.label,
        initialized="initialized" in pin.flags,
    )


def _serves(puk: objects.Pin, pin: objects.Pin) -> bool:
    """Tell whether the card names `puk`, and no other code that may share its reference, as the one that serves `pin`.

    The guard looks at the PUK's counter before the PUK is sent, so it has to be that very code's.
    """
    alike = puk.reference == pin.reference and puk.path == pin.path
    named = bool(puk.auth_id) and pin.unblocked_by == puk.auth_id
    return named and puk is not pin and not alike and "unblock-disabled" not in pin.flags


def _role(pin: objects.Pin, keys: list[objects.Key], rules: CodeRules, unblocking: frozenset[bytes]) -> Role | None:
    """Return what a code is for: by its flags, by what the keys behind it may do, by the profile's words, else None.

    `unblocking` are the identifiers of the codes that unblock others. The security officer's is a PUK if it does.
    """
    if "unblocking-password" in pin.flags or ("so-password" in pin.flags and pin.auth_id in unblocking):
        return Role.PUK
    if "so-password" in pin.flags:
        return None
    behind = [key.usage for key in keys if key.auth_id == pin.auth_id]
    signing = [bool("non-repudiation" in usage) for usage in behind]
    if signing and all(signing):
        return Role.SIGNATURE
    if signing and not any(signing):
        return Role.AUTHENTICATION
    label = (pin.label or "").casefold()
    named = [role for role, words in rules.labels.items() if any(word.casefold() in label for word in words)]
    return named[0] if len(named) == 1 else None


def _from_profile(known: KnownCode) -> CodeReference:
    return CodeReference(
        role=known.role,
        reference=known.reference,
        min_length=known.min_length,
        max_length=known.max_length,
        stored_length=known.stored_length,
        padding=known.padding,
        encoding=Encoding(known.encoding),
        unblocked_by=known.unblocked_by,
    )
