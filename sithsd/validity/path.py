"""Checking a path: RFC 5280, 6.1 by pyhanko-certvalidator, without dates and without revocation.

The library's builder and validator are coroutines, because they may fetch certificates and revocation data; here they
may not, so they never wait for anything, and one `send` runs each to its end. That works in a worker thread and inside
a running event loop alike, and it proves that nothing was fetched: a coroutine that stops to wait is an error. Trust
roots are always given, so the machine's own list stays untouched.

Dates are judged elsewhere, so that an expired certificate is still told whose it is: moment and tolerance given to the
library span all dates there are.
"""

from collections.abc import Coroutine
from itertools import pairwise
from operator import attrgetter
from typing import Any, TypeVar

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, AcceptAllAlgorithms, CertRevTrustPolicy
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator
from pyhanko_certvalidator.validate import async_validate_path

from sithsd.certificate.personal import mask
from sithsd.certificate.read import Certificate
from sithsd.validity.moments import FIRST, LAST

_T = TypeVar("_T")

# sithsd reads the card number, so a certificate that marks it critical is understood all the same (RFC 5280, 4.2).
_UNDERSTOOD = frozenset({"1.2.752.34.2.1"})

# What the path builder looks at; asn1crypto reads each when it is asked for it.
_BUILT_BY = attrgetter(
    *("subject.hashable", "issuer.hashable", "issuer_serial", "public_key.sha1", "key_identifier"),
    *("authority_key_identifier", "authority_issuer_serial", "max_path_length", "ca"),
)

_HALF_OF_TIME = (LAST - FIRST) // 2


class WaitedError(Exception):
    """The library stopped to wait for something: it must never want to."""


def load(certificate: Certificate) -> x509.Certificate | None:
    """Return `certificate` as the library reads it, or None if a field that the path builder looks at is malformed."""
    try:
        loaded = x509.Certificate.load(certificate.der, strict=True)
        _BUILT_BY(loaded)
        # The library passes over it when a signature is said not to use the last bits of its last byte. Signatures have
        # whole bytes (RFC 5280, 4.1.1.3), and one certificate is not to be written in two ways.
        if loaded["signature_value"].contents[:1] != b"\0":
            return None
        # The library writes a certificate anew, and checks the signature of that, where a length ends in the byte 0x80:
        # it takes it for an indefinite one. What it would judge has to be this certificate.
        if loaded.dump() != certificate.der:
            return None
    except Exception:  # noqa: BLE001 - anything may come out of a malformed field
        return None
    return loaded


def as_anchor(root: x509.Certificate) -> CertTrustAnchor:
    """Return `root` as an anchor.

    RFC 5280, 6.1.1 (d) takes name and key of an anchor alone; its own path length is kept to as well, as by OpenSSL.
    """
    length = root.max_path_length
    return CertTrustAnchor(root, TrustQualifiers(max_path_length=length, max_aa_path_length=length))


def objection(certificate: x509.Certificate, issuer: x509.Certificate) -> str | None:
    """Return why `issuer` did not, or must not, issue `certificate`: no CA, or a signature that is not its own."""
    if not issuer.ca:
        return "an issuer on the path is not a CA"
    try:
        if certificate["signature_algorithm"].dump() != certificate["tbs_certificate"]["signature"].dump():
            return "a certificate names two signature algorithms (RFC 5280, 4.1.1.2)"
        DefaultSignatureValidator().validate_signature(
            signature=certificate["signature_value"].native,
            signed_data=certificate["tbs_certificate"].dump(),
            public_key_info=issuer.public_key,
            signature_algorithm=certificate["signature_algorithm"],
        )
    except InvalidSignature:
        return "a signature is wrong"
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field; it is not signed then
        return f"a signature can't be checked ({type(error).__name__})"
    return None


def problem(path: ValidationPath) -> str | None:
    """Return what is wrong with a path to an anchor in one sentence for developers (masked), or None."""
    # The validator asks neither whether an anchor is a CA nor whether both names of an algorithm are the same.
    for certificate, issuer in pairwise(reversed(list(path))):
        if objected := objection(certificate, issuer):
            return objected
    for certificate in path.iter_certs(include_root=False):
        certificate.critical_extensions.difference_update(_UNDERSTOOD)
    context = ValidationContext(
        trust_roots=[path.trust_anchor],
        other_certs=[],
        moment=FIRST + _HALF_OF_TIME,
        time_tolerance=_HALF_OF_TIME,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        algorithm_usage_policy=AcceptAllAlgorithms(),  # weak ones are told by name, beside the path
    )
    try:
        run(async_validate_path(context, path))
    except ValidationError as error:
        return mask(" ".join(str(error).split()))
    except WaitedError:
        raise
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field; the path is invalid then
        return f"a certificate on the path is malformed ({type(error).__name__})"
    return None


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Return what `coroutine` returns. Raises WaitedError if it wants to wait for something."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        returned: _T = end.value
        return returned
    coroutine.close()
    raise WaitedError("path building or validation stopped to wait for something")
