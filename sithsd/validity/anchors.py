"""Trust anchors: roots pinned by fingerprint, and the files that bring them.

The machine's own trust list is never used.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

from sithsd.certificate.read import Certificate
from sithsd.validity.files import CertificateFileError, certificate_files, read_certificates
from sithsd.validity.policy import ValidityPolicy
from sithsd.values import Environment, Purpose


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A root that may be an anchor: the SHA-256 of its certificate in lower-case hexadecimal, and where it is."""

    name: str
    environment: Environment
    fingerprint: str
    source: str


class Pins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is shipped in anchors.toml: the roots, and the hosts that issuers' certificates are at."""

    anchor: tuple[Pin, ...]
    issuer_hosts: dict[Environment, tuple[str, ...]]

    def of(self, fingerprint: str) -> Pin | None:
        """Return the pin with this fingerprint, None if there is none."""
        return next((pin for pin in self.anchor if pin.fingerprint == fingerprint), None)


@dataclass(frozen=True, slots=True)
class Anchor:
    """One root that is trusted, and in which world."""

    certificate: Certificate
    environment: Environment


def load_anchors(
    paths: Iterable[str | Path], policy: ValidityPolicy, sim_fingerprints: Sequence[str] = ()
) -> list[Anchor]:
    """Return the roots in the files at `paths`, each once.

    A root is taken if its fingerprint is pinned (or among `sim_fingerprints`) for a world that `policy` names. Raises
    CertificateFileError for any other certificate in them.
    """
    allowed = {_plain(fingerprint): Environment.SIM for fingerprint in sim_fingerprints}
    allowed |= {pin.fingerprint: pin.environment for pin in pins().anchor}  # what is pinned can't be made SIM
    anchors: dict[str, Anchor] = {}
    for path in map(Path, paths):
        for certificate in read_certificates(path):
            environment = allowed.get(certificate.fingerprint)
            if environment is None:
                raise CertificateFileError(f"{path}: {_named(certificate)} is no pinned root")
            if environment not in policy.environments:
                raise CertificateFileError(
                    f"{path}: {_named(certificate)} is a root for {environment}, which is not among the environments"
                )
            anchors[certificate.fingerprint] = Anchor(certificate, environment)
    return list(anchors.values())


def load_folder(folder: Path, policy: ValidityPolicy) -> list[Anchor]:
    """Return the pinned roots in the certificate files in `folder`, those for worlds that `policy` names.

    Others lie there until their world is configured. Raises CertificateFileError for what is no pinned root,
    and for a folder that can't be looked into.
    """
    anchors: dict[str, Anchor] = {}
    for path in certificate_files(folder):
        for certificate in read_certificates(path):
            pin = pins().of(certificate.fingerprint)
            if pin is None:
                raise CertificateFileError(f"{path}: {_named(certificate)} is no pinned root")
            if pin.environment in policy.environments:
                anchors[certificate.fingerprint] = Anchor(certificate, pin.environment)
    return list(anchors.values())


def load_issuers(paths: Iterable[str | Path]) -> list[bytes]:
    """Return the DER of the issuing CAs' certificates in the files at `paths`, each once.

    They only help to find the way to an anchor: nothing is trusted for being here. Raises CertificateFileError for a
    file that holds anything else than CA certificates.
    """
    issuers: dict[bytes, None] = {}
    for path in map(Path, paths):
        for certificate in read_certificates(path):
            if certificate.purpose is not Purpose.ISSUER:
                raise CertificateFileError(f"{path}: {_named(certificate)} is no CA certificate")
            issuers[certificate.der] = None
    return list(issuers)


@cache
def pins() -> Pins:
    """Return what is pinned."""
    text = resources.files("sithsd.validity").joinpath("anchors.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Pins)


def _plain(fingerprint: str) -> str:
    plain = fingerprint.replace(":", "").strip().lower()
    if len(plain) != 64 or not all(digit in "0123456789abcdef" for digit in plain):
        raise CertificateFileError(f"sim_fingerprints: {fingerprint!r} is no SHA-256 in hexadecimal")
    return plain


def _named(certificate: Certificate) -> str:
    return f"{certificate.masked_subject} (SHA-256 {certificate.fingerprint})"
