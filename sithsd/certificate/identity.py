"""What a certificate is for and which identity it carries, told from its contents alone.

Extended key usage and alternative names of today's SITHS profile are not known, so nothing here asks for them.
"""

import re
from dataclasses import dataclass

from sithsd.certificate.names import (
    COMMON_NAME,
    GIVEN_NAME,
    SERIAL_NUMBER,
    SURNAME,
    DistinguishedName,
    normalized,
)
from sithsd.certificate.personal import PersonalIdentityNumber
from sithsd.certificate.tables import IssuerFacts, Tables
from sithsd.values import Environment, IdentityKind, Purpose

# "SE", an organisation's number of 10 or 12 digits, a hyphen, letters and digits; test data has longer prefixes.
_HSA_ID = re.compile(r"[A-Za-z]{2}[A-Za-z0-9]*[0-9]{10}-\S+")


@dataclass(frozen=True, slots=True)
class KeyUse:
    """The extensions that tell what a key may do (RFC 5280, 4.2.1.3, 4.2.1.9)."""

    ca: bool = False
    digital_signature: bool = False
    content_commitment: bool = False  # once called nonRepudiation


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose a certificate is. `person`: it is a human being's."""

    purpose: Purpose
    kind: IdentityKind = IdentityKind.NONE
    hsa_id: str | None = None
    personal_identity_number: PersonalIdentityNumber | None = None
    person: bool = False
    transport: bool = False


def identify(
    subject: DistinguishedName, policies: tuple[str, ...], use: KeyUse, issuer: IssuerFacts, tables: Tables
) -> Identity:
    """Return whose and what for a certificate is."""
    if use.ca:
        return Identity(Purpose.ISSUER)
    if tables.is_transport(policies, subject.first(COMMON_NAME)):
        return Identity(Purpose.OTHER, transport=True)
    serial = (subject.first(SERIAL_NUMBER) or "").strip()
    number = PersonalIdentityNumber.parse(serial)
    hsa_id = serial if number is None and _is_hsa_id(serial, issuer) else None
    function = issuer.function or tables.is_function(policies)
    named = bool(subject.first(GIVEN_NAME) or subject.first(SURNAME))
    person = not function and (named or issuer.person or number is not None or hsa_id is not None)
    kind = IdentityKind.NONE
    if number is not None:
        kind = IdentityKind.PERSONAL_IDENTITY_NUMBER
    elif hsa_id is not None:
        kind = IdentityKind.HSA_ID
    purpose = Purpose.OTHER if function else _purpose(use, person=person)
    return Identity(purpose, kind, hsa_id, number, person)


def environment(issuer: IssuerFacts, subject: DistinguishedName, use: KeyUse, tables: Tables) -> Environment:
    """Return the world a certificate belongs to: by its issuer's name, or a CA's own if that is TEST or SIM."""
    if use.ca:
        own = tables.issuer(subject.first(COMMON_NAME)).environment
        for risky in (Environment.SIM, Environment.TEST):
            if risky in (own, issuer.environment):
                return risky
    return issuer.environment


def stands_for_hsa_id(common_name: str | None, hsa_id: str | None) -> bool:
    """Tell whether a common name is nothing but the HSA-id."""
    return bool(common_name and hsa_id) and normalized(common_name or "") == normalized(hsa_id or "")


def _is_hsa_id(serial: str, issuer: IssuerFacts) -> bool:
    if _HSA_ID.fullmatch(serial):
        return True
    return issuer.identity is IdentityKind.HSA_ID and "-" in serial


def _purpose(use: KeyUse, *, person: bool) -> Purpose:
    if use.digital_signature:
        return Purpose.AUTHENTICATION if person else Purpose.OTHER
    return Purpose.SIGNATURE if use.content_commitment else Purpose.OTHER
