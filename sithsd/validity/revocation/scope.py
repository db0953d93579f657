"""Which certificates, and which reasons, a CRL is about (RFC 5280, 5.2.5 and 6.3.3)."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from sithsd.certificate.read import Certificate
from sithsd.validity.revocation.authority import UnprovenError
from sithsd.validity.revocation.reason_names import ALL_REASONS
from sithsd.values import Purpose

Reasons = frozenset[x509.ReasonFlags]

_NONE: Reasons = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a list's issuing distribution point says; without one a list is about all that its issuer issued."""

    names: frozenset[x509.GeneralName] | None = None
    """The distribution point that it is for; None: it is for all."""
    holders: bool = True
    """Whether it is about those that are no CAs."""
    authorities: bool = True
    """Whether it is about CAs."""
    reasons: Reasons = ALL_REASONS
    """The reasons for which a certificate is listed; for others it is not."""

    @classmethod
    def of(cls, point: x509.IssuingDistributionPoint | None, issuer: x509.Name) -> "Scope":
        """Return the scope of a list. Raises UnprovenError for one that tells nothing of certificates of its issuer."""
        if point is None:
            return cls()
        if point.indirect_crl:
            raise UnprovenError("the list is an indirect one, of several issuers")
        if point.only_contains_attribute_certs:
            raise UnprovenError("the list is about attribute certificates")
        named = list(_names(point.full_name, point.relative_name, issuer))
        return cls(
            names=frozenset(named) if named else None,
            holders=not point.only_contains_ca_certs,
            authorities=not point.only_contains_user_certs,
            reasons=ALL_REASONS if point.only_some_reasons is None else ALL_REASONS & point.only_some_reasons,
        )

    def covers(self, certificate: Certificate) -> Reasons:
        """Return the reasons for which this list would name `certificate`; none if it would not."""
        if not (self.authorities if certificate.purpose is Purpose.ISSUER else self.holders):
            return _NONE
        if self.names is None:
            return self.reasons
        fitting = (reasons for names, reasons in _points(certificate) if not self.names.isdisjoint(names))
        return self.reasons & _NONE.union(*fitting)


def _points(certificate: Certificate) -> Iterator[tuple[frozenset[x509.GeneralName], Reasons]]:
    """Yield names and reasons of the distribution points whose list the certificate's own issuer signs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            loaded = x509.load_der_x509_certificate(certificate.der)
            points = loaded.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return
    for point in points:
        if point.crl_issuer is None:
            reasons = ALL_REASONS if point.reasons is None else ALL_REASONS & point.reasons
            yield frozenset(_names(point.full_name, point.relative_name, loaded.issuer)), reasons


def _names(
    full: Iterable[x509.GeneralName] | None, relative: x509.RelativeDistinguishedName | None, issuer: x509.Name
) -> Iterator[x509.GeneralName]:
    yield from full or ()
    if relative is not None:
        yield x509.DirectoryName(x509.Name([*issuer.rdns, relative]))
