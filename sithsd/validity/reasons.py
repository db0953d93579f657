"""The reasons of a verdict: stable names, what each does to it, and their order. Names are only ever added."""

from collections.abc import Iterable

from sithsd.values import Status, Verdict

CERTIFICATE_MALFORMED = "certificate.malformed"
CHAIN_INVALID = "chain.invalid"
CHAIN_UNTRUSTED = "chain.untrusted"
ENVIRONMENT_CONFLICT = "environment.conflict"
ENVIRONMENT_NOT_CONFIGURED = "environment.notConfigured"
SIGNATURE_MD5 = "signature.md5"
SIGNATURE_SHA1 = "signature.sha1"
KEY_SHORT = "key.short"
KEY_EXPONENT3 = "key.exponent3"
DATE_EXPIRED = "date.expired"
DATE_NOT_YET_VALID = "date.notYetValid"
CHAIN_EXPIRED = "chain.expired"
CHAIN_NOT_YET_VALID = "chain.notYetValid"
CLOCK_IMPLAUSIBLE = "clock.implausible"
CHAIN_TOO_COMPLEX = "chain.tooComplex"
ANCHOR_MISSING = "anchor.missing"
CHAIN_ISSUER_UNKNOWN = "chain.issuerUnknown"
CLOCK_BEHIND = "clock.behind"
REVOCATION_REVOKED = "revocation.revoked"
CHAIN_REVOKED = "chain.revoked"
REVOCATION_NOT_KNOWN = "revocation.notKnown"
REVOCATION_INVALID = "revocation.invalid"
REVOCATION_STALE = "revocation.stale"
REVOCATION_UNREACHABLE = "revocation.unreachable"
REVOCATION_NO_SOURCE = "revocation.noSource"
REVOCATION_NOT_CHECKED = "revocation.notChecked"

# The most serious first.
BAD = (
    CERTIFICATE_MALFORMED,  # it can't be read as a whole
    CHAIN_INVALID,  # a signature, a path length, a CA flag or the like is wrong
    CHAIN_UNTRUSTED,  # complete, to a root that is not ours
    REVOCATION_REVOKED,  # the certificate itself
    CHAIN_REVOKED,  # one of its issuers
    ENVIRONMENT_CONFLICT,  # it names another world than the anchor that it leads to
    ENVIRONMENT_NOT_CONFIGURED,  # a world that this machine is not set up to trust
    SIGNATURE_MD5,  # it, or one of its issuers, is signed by an algorithm that can be forged
    SIGNATURE_SHA1,
    KEY_SHORT,
    KEY_EXPONENT3,  # only where the policy refuses it
    DATE_EXPIRED,
    DATE_NOT_YET_VALID,
    CHAIN_EXPIRED,  # one of its issuers
    CHAIN_NOT_YET_VALID,
)
UNKNOWN = (
    CLOCK_IMPLAUSIBLE,  # the machine's clock is before the release of this program: dates tell nothing
    CLOCK_BEHIND,  # an answer that a CA has signed is from after what the machine's clock says
    CHAIN_TOO_COMPLEX,  # more ways to a root than are tried
    ANCHOR_MISSING,  # no root is installed for its world
    CHAIN_ISSUER_UNKNOWN,  # its issuer's certificate is not at hand
    REVOCATION_NOT_KNOWN,  # who is to know it does not know the certificate
    REVOCATION_INVALID,  # an answer proves nothing: wrong signer, wrong certificate, malformed, replayed
    REVOCATION_STALE,  # the last answer has outlived its time
    REVOCATION_UNREACHABLE,  # no answer could be had
    REVOCATION_NO_SOURCE,  # the certificate names nowhere to ask
    REVOCATION_NOT_CHECKED,  # nobody was asked, about it or about one of its issuers
)


def verdict(reasons: Iterable[str]) -> Verdict:
    """Return the verdict that `reasons` make: bad dominates unknown, unknown dominates good. All are told, in order."""
    found = frozenset(reasons)
    bad = tuple(reason for reason in BAD if reason in found)
    unknown = tuple(reason for reason in UNKNOWN if reason in found)
    if stray := found.difference(bad, unknown):
        raise ValueError(f"not a reason: {', '.join(sorted(stray))}")
    status = Status.BAD if bad else Status.UNKNOWN if unknown else Status.GOOD
    return Verdict(status, bad + unknown)
