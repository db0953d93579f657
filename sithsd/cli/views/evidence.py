"""What is known of revocation, for people: since when and why, who says so, how old that is, and who did not answer."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from rich.text import Text

from sithsd.cli.moments import local_time
from sithsd.cli.names import common_name
from sithsd.cli.replies import Certificate, Evidence
from sithsd.cli.words import Words

_REVOKED, _GOOD = "revoked", "good"
# Nothing to tell of: RFC 5280, 5.3.1 has a word for it all the same.
_NO_REASON = frozenset({None, "unspecified"})


def reason_words(reason: str, evidence: Sequence[Evidence], words: Words) -> str:
    """Return a reason of a verdict as a sentence, with what the evidence tells of it."""
    revoked = [one for one in evidence if one.status == _REVOKED and one.revoked_at]
    stale = [one.stale_hours for one in evidence if one.stale_hours is not None]
    if reason == "revocation.stale" and stale:
        return words.say("reason-revocation-stale-hours", hours=max(stale))
    if reason in {"revocation.revoked", "chain.revoked"} and revoked:
        # The certificate's own is the first.
        one = revoked[0 if reason == "revocation.revoked" else -1]
        key = f"reason-{reason.replace('.', '-')}-since"
        return words.say(key, since=local_time(one.revoked_at or ""), why=_why(one, words))
    return words.name("reason", reason)


def evidence_text(certificate: Certificate, words: Words) -> Text:
    """Return a line for each piece of evidence; one about an issuer begins with its name."""
    return Text("\n".join(_line(one, certificate, words) for one in certificate.evidence))


def next_check_text(certificate: Certificate) -> Text:
    """Return when there is going to be more evidence; nothing if nobody says."""
    return Text(local_time(certificate.next_check) if certificate.next_check else "")


def _line(one: Evidence, certificate: Certificate, words: Words) -> str:
    told = _told(one, words)
    if one.fingerprint == certificate.fingerprint:
        return told[:1].upper() + told[1:]
    name = common_name(one.subject) if one.subject else words.say("evidence-issuer")
    return words.say("evidence-of", name=name, what=told)


def _told(one: Evidence, words: Words) -> str:
    if one.status in {_REVOKED, _GOOD}:
        source = words.name("evidence-source", one.source or "none")
        by = words.say("evidence-by", source=source, at=local_time(one.this_update or ""))
        if one.status == _REVOKED:
            since = local_time(one.revoked_at) if one.revoked_at else words.say("not-known")
            return words.say("evidence-revoked", since=since, why=_why(one, words), by=by)
        if one.stale_hours is not None:
            return words.say("evidence-stale-good", by=by, hours=one.stale_hours)
        if one.next_update:
            return words.say("evidence-good-until", by=by, until=local_time(one.next_update))
        return words.say("evidence-good", by=by)
    place = _place(one.url) or words.say("evidence-nowhere")
    key = words.key("evidence-failure", one.failure or "")
    return words.say("evidence-unknown") if key is None else words.say(key, place=place)


def _why(one: Evidence, words: Words) -> str:
    """Return why a certificate is revoked, "none" where nobody says."""
    if one.revocation_reason is None or one.revocation_reason in _NO_REASON:
        return "none"
    return words.name("revocation-reason", one.revocation_reason)


def _place(url: str | None) -> str | None:
    """Return the host that was asked; all of what is no URL."""
    if url is None:
        return None
    try:
        return urlsplit(url).netloc or url
    except ValueError:
        return url
