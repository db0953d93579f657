"""Certificates, short and in full, and what is thought of them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from textwrap import wrap

from rich.console import Group, RenderableType
from rich.text import Text

from sithsd.cli.moments import days_until, local_date, local_time
from sithsd.cli.names import common_name, spaced
from sithsd.cli.replies import Certificate, Evidence, Verdict
from sithsd.cli.views.evidence import evidence_text, next_check_text, reason_words
from sithsd.cli.views.layout import BAD, CAUTION, GOOD, HEADING, Row, columns, facts, indented, outside
from sithsd.cli.words import Words

# A desk wants to know of an end that comes nearer than this.
SOON_DAYS = 90

_PURPOSES = ("authentication", "signature", "other", "issuer")
_STYLES = {"good": GOOD, "bad": BAD, "unknown": CAUTION}


def in_order(certificates: Sequence[Certificate]) -> list[Certificate]:
    """Return certificates by purpose, those of people first; else as the card has them."""
    return sorted(
        certificates,
        key=lambda one: (one.transport, _PURPOSES.index(one.purpose) if one.purpose in _PURPOSES else len(_PURPOSES)),
    )


def verdict_text(verdict: Verdict, words: Words, evidence: Sequence[Evidence] = ()) -> Text:
    """Return the verdict, and its reasons as sentences, with what the evidence tells of them."""
    text = Text(words.name("verdict", verdict.status), style=_STYLES.get(verdict.status, CAUTION))
    if verdict.reasons:
        sentences = " ".join(reason_words(reason, evidence, words) for reason in verdict.reasons)
        text.append(f". {sentences}", style="default not bold")
    return text


def title_text(certificate: Certificate, words: Words) -> Text:
    """Return what a certificate is for, and which of the two identities it carries."""
    told = [words.name("purpose", certificate.purpose)]
    if certificate.identity != "none":
        told.append(words.name("identity", certificate.identity))
    return Text(", ".join(told), style=HEADING)


def end_text(certificate: Certificate, words: Words, now: datetime) -> Text:
    """Return the last day, with the days left when they are few."""
    text = Text(local_date(certificate.not_after))
    text.append_text(_days_left(certificate, words, now))
    return text


def period_text(certificate: Certificate, words: Words, now: datetime) -> Text:
    """Return the first and the last day, with the days left when they are few."""
    days = {"from": local_date(certificate.not_before), "to": local_date(certificate.not_after)}
    text = Text(words.say("period", **days))
    text.append_text(_days_left(certificate, words, now))
    return text


def _days_left(certificate: Certificate, words: Words, now: datetime) -> Text:
    days = days_until(certificate.not_after, now)
    if days is None or days >= SOON_DAYS:
        return Text()
    return Text(f" ({words.say('days-left', days=days)})", style=CAUTION)


def table(certificates: Sequence[Certificate], words: Words, now: datetime) -> RenderableType:
    """Return a row for each certificate: for wide terminals."""
    headings = ("purpose", "identity", "issuer", "valid-from", "valid-to", "verdict")
    return columns(
        [words.say(f"label-{heading}") for heading in headings],
        [
            [
                Text(words.name("purpose", one.purpose)),
                Text(words.name("identity", one.identity)),
                outside(common_name(one.issuer)),
                Text(local_date(one.not_before)),
                end_text(one, words, now),
                verdict_text(one.verdict, words, one.evidence),
            ]
            for one in in_order(certificates)
        ],
    )


def stack(certificates: Sequence[Certificate], words: Words, now: datetime, *, label_width: int = 0) -> RenderableType:
    """Return a few lines for each certificate: for narrow terminals, pipes and screen readers."""
    parts: list[RenderableType] = []
    for one in in_order(certificates):
        rows: list[Row] = [
            (words.say("label-issuer"), outside(common_name(one.issuer))),
            (words.say("label-valid"), period_text(one, words, now)),
            (words.say("label-verdict"), verdict_text(one.verdict, words, one.evidence)),
        ]
        parts += [title_text(one, words), indented(facts(rows, label_width=label_width))]
    return Group(*parts)


def short_view(
    certificates: Sequence[Certificate], words: Words, now: datetime, *, wide: bool, label_width: int = 0
) -> RenderableType:
    """Return the certificates of a card as `status` shows them."""
    if not certificates:
        return Text(words.say("no-certificates"))
    return table(certificates, words, now) if wide else stack(certificates, words, now, label_width=label_width)


def full_view(certificates: Sequence[Certificate], words: Words, now: datetime) -> RenderableType:
    """Return everything known of each certificate."""

    def rows(one: Certificate) -> list[tuple[str, Text]]:
        weaknesses = [words.name("reason", weakness) for weakness in one.weaknesses]
        if one.transport:
            weaknesses.insert(0, words.say("certificate-transport"))
        elif one.can_sign is False and one.purpose in _PURPOSES[:2]:
            weaknesses.insert(0, words.say("certificate-can-not-sign"))
        return [
            ("id", outside(one.id)),
            ("subject", outside(spaced(one.subject))),
            ("issuer", outside(spaced(one.issuer))),
            ("valid", period_text(one, words, now)),
            ("serial-number", outside(one.serial_number)),
            ("fingerprint", _fingerprint(one.fingerprint)),
            ("key", outside(one.key)),
            ("label", outside(one.label or "")),
            ("level-of-assurance", Text("" if one.level_of_assurance is None else str(one.level_of_assurance))),
            ("verdict", verdict_text(one.verdict, words, one.evidence)),
            ("revocation", evidence_text(one, words)),
            ("notes", Text("\n".join(weaknesses))),
        ]

    return _one_by_one(certificates, words, rows)


def validity_view(
    certificates: Sequence[Certificate], words: Words, now: datetime, notes: Sequence[str] = ()
) -> RenderableType:
    """Return the verdict on each certificate: its reasons, its path and when it was judged.

    Before them stands what is remarkable of all of them together, by `notes`: two card numbers on one card, say.
    """

    def rows(one: Certificate) -> list[tuple[str, Text]]:
        verdict = verdict_text(Verdict(status=one.verdict.status), words)
        return [
            ("subject", outside(common_name(one.subject))),
            ("verdict", verdict),
            ("reasons", Text("\n".join(reason_words(each, one.evidence, words) for each in one.verdict.reasons))),
            ("revocation", evidence_text(one, words)),
            ("next-check", next_check_text(one)),
            ("valid", period_text(one, words, now)),
            ("path", Text("\n").join(outside(common_name(name)) for name in one.path)),
            ("anchor", _fingerprint(one.anchor or "")),
            ("checked", Text(local_time(one.checked_at) if one.checked_at else "")),
        ]

    remarkable = [(words.say("label-notes"), Text(words.name("note", note), style=CAUTION)) for note in notes]
    judged = _one_by_one(certificates, words, rows)
    return Group(facts(remarkable), judged) if remarkable else judged


def _fingerprint(hexadecimal: str) -> Text:
    """Return a fingerprint in groups that an eye can follow, in capitals as SITHS prints them."""
    return outside(" ".join(wrap(hexadecimal.upper(), 8)))


def _one_by_one(
    certificates: Sequence[Certificate], words: Words, rows: Callable[[Certificate], list[tuple[str, Text]]]
) -> RenderableType:
    """Return a heading and labelled lines for each certificate; empty values are left out."""
    if not certificates:
        return Text(words.say("no-certificates"))
    parts: list[RenderableType] = []
    for one in in_order(certificates):
        told: list[Row] = [(words.say(f"label-{label}"), value) for label, value in rows(one) if value.plain]
        parts += [Text(""), title_text(one, words), indented(facts(told))]
    return Group(*parts[1:])
