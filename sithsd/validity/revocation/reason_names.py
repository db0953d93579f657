"""Reasons of revocation by their names (RFC 5280, 5.3.1)."""

from cryptography.x509 import ReasonFlags

# What a complete list is about: all but "unspecified", which is told by lacking, and the mark of a delta's removal.
ALL_REASONS = frozenset(ReasonFlags) - {ReasonFlags.unspecified, ReasonFlags.remove_from_crl}


def reason_name(reason: ReasonFlags | None) -> str | None:
    """Return the standard's word ("keyCompromise"), None for none and for "unspecified", which tells nothing."""
    return None if reason in {None, ReasonFlags.unspecified} else reason.value


def by_name(name: str) -> ReasonFlags:
    """Return the reason that asn1crypto calls `name` ("key_compromise"). Raises KeyError for another."""
    return ReasonFlags[name]
