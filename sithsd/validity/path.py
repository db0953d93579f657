"""Checking a chain: RFC 5280, 6.1 by pyhanko-certvalidator, without dates and without revocation.

The library's path builder is not used: it walks a hostile card's certificates without a bound. Its validator is a
coroutine, because it may fetch revocation data; here it may not, so it never waits for anything, and one `send` runs it
to its end. That works in a worker thread and inside a running event loop alike, and it proves that nothing was fetched:
a coroutine that stops to wait is an error. Trust roots are always given, so the machine's own list stays untouched.

Dates are judged elsewhere, so that an expired certificate is still told whose it is: moment and tolerance given to the
library span all dates there are.
"""

from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

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
from sithsd.validity.chains import Chain, End
from sithsd.values import Purpose

# sithsd reads the card number, so a certificate that marks it critical is understood all the same (RFC 5280, 4.2).
_UNDERSTOOD = frozenset({"1.2.752.34.2.1"})

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_HALF_OF_TIME = (_LAST - _FIRST) // 2


class WaitedError(Exception):
    """The validator stopped to wait for something: it must never want to."""


def objection(certificate: Certificate, issuer: Certificate) -> str | None:
    """Return why `issuer` did not, or must not, issue `certificate`: no CA, or a signature that is not its own."""
    if issuer.purpose is not Purpose.ISSUER:
        return "an issuer on the path is not a CA"
    try:
        signed = _parsed(certificate)
        if signed["signature_algorithm"].dump() != signed["tbs_certificate"]["signature"].dump():
            return "a certificate names two signature algorithms (RFC 5280, 4.1.1.2)"
        DefaultSignatureValidator().validate_signature(
            signature=signed["signature_value"].native,
            signed_data=signed["tbs_certificate"].dump(),
            public_key_info=_parsed(issuer).public_key,
            signature_algorithm=signed["signature_algorithm"],
        )
    except InvalidSignature:
        return "a signature is wrong"
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field; it is not signed then
        return f"a signature can't be checked ({type(error).__name__})"
    return None


def problem(chain: Chain) -> str | None:
    """Return what is wrong with `chain` in one sentence for developers (masked), or None.

    A chain that ends at an anchor is validated in full. Of any other, which can never be good, no more is looked at
    than finding it took: a hostile card shall not make more work than that.
    """
    if chain.end is not End.ANCHOR or len(chain.certificates) == 1:
        return chain.objection
    try:
        _validate([_parsed(certificate) for certificate in chain.certificates])
    except ValidationError as error:
        return mask(" ".join(str(error).split()))
    except WaitedError:
        raise
    except Exception as error:  # noqa: BLE001 - anything may come out of a malformed field; the path is invalid then
        return f"a certificate on the path is malformed ({type(error).__name__})"
    return None


def _parsed(certificate: Certificate) -> x509.Certificate:
    return x509.Certificate.load(certificate.der, strict=True)


def _validate(certificates: list[x509.Certificate]) -> None:
    leaf, *intermediates, root = certificates
    for certificate in (leaf, *intermediates):
        certificate.critical_extensions.difference_update(_UNDERSTOOD)
    # RFC 5280, 6.1.1 (d) takes name and key of an anchor alone; its own path length is kept to as well, as by OpenSSL.
    length = root.max_path_length
    anchor = CertTrustAnchor(root, TrustQualifiers(max_path_length=length, max_aa_path_length=length))
    context = ValidationContext(
        trust_roots=[anchor],
        other_certs=[],
        moment=_FIRST + _HALF_OF_TIME,
        time_tolerance=_HALF_OF_TIME,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        algorithm_usage_policy=AcceptAllAlgorithms(),  # weak ones are told by name, beside the path
    )
    _run(async_validate_path(context, ValidationPath(anchor, reversed(intermediates), leaf)))


def _run(coroutine: Coroutine[Any, Any, object]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise WaitedError("path validation stopped to wait for something")
