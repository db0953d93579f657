"""A made-up staff whose cards have certificates, the authorities that issued them, and what these have revoked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from sithsd.report.trust import Sources
from tests.unit.report import staff


def crl(issuer: Any, at: datetime, *revoked: bytes) -> bytes:
    """Make a CRL of `issuer` with the certificates in `revoked`, in PEM."""
    builder = x509.CertificateRevocationListBuilder(issuer.name, at - timedelta(hours=1), at + timedelta(days=7))
    key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    builder = builder.add_extension(x509.CRLNumber(1), critical=False).add_extension(key, critical=False)
    for der in revoked:
        serial = x509.load_der_x509_certificate(der).serial_number
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder(serial, at - timedelta(days=1)).build()
        )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class World:
    """A SIM root, issuers of ordinary and of reserve cards, settings that trust them, and their CRLs, in a folder."""

    def __init__(self, forge: Any, folder: Path, at: datetime, *, freezes: str = "") -> None:
        self._forge = forge
        self._folder = folder
        self._at = at
        self._root = forge.authority("SIM SITHS e-id Root CA v2", start=at - timedelta(days=3000))
        self._issuers = {
            level: forge.authority(
                f"SIM SITHS e-id Person HSA-id {level} CA v1",
                self._root,
                path_length=0,
                start=at - timedelta(days=3000),
            )
            for level in (2, 3)
        }
        self._revoked: dict[int, list[bytes]] = {2: [], 3: []}
        fingerprint = x509.load_der_x509_certificate(self._root.der).fingerprint(hashes.SHA256()).hex()
        self._write("sithsd.toml", (
            f'[validity]\nenvironments = ["sim"]\nsim_fingerprints = ["{fingerprint}"]\n'
            f'anchors = ["{folder}/root.pem"]\nanchors_folder = "{folder}/none"\n'
        ).encode())  # fmt: skip
        self._write("freezes.toml", freezes.encode())
        self._write("root.pem", self._root.pem)
        self._write("issuers.pem", b"".join(issuer.pem for issuer in self._issuers.values()))

    def certify(self, persons: Sequence[staff.Person], *, revoke: Sequence[int] = ()) -> list[staff.Person]:
        """Give each a certificate; those of the numbers in `revoke` are revoked."""
        found = []
        for one in persons:
            level = 2 if one.kind == "Reservkort" else 3
            hsa_id = f"SE2321000016-SIM{one.number}"
            names = {"common_name": one.name, "given_name": one.given_name, "surname": one.surname}
            der = self._forge.person(hsa_id, issuer=self._issuers[level], start=one.start, end=one.end, **names).der
            if one.number in revoke:
                self._revoked[level].append(der)
            found.append(replace(one, ders=(der,)))
        return found

    def sources(self) -> Sources:
        """Write the CRLs as they are now; return where all of it is."""
        self._write("root.crl", crl(self._root, self._at))
        for level, issuer in self._issuers.items():
            self._write(f"{level}.crl", crl(issuer, self._at, *self._revoked[level]))
        return Sources(
            settings=self._folder / "sithsd.toml",
            issuers=(str(self._folder / "issuers.pem"),),
            lists=tuple(str(self._folder / f"{name}.crl") for name in ("root", 2, 3)),
            freezes=self._folder / "freezes.toml",
        )

    def _write(self, name: str, content: bytes) -> None:
        (self._folder / name).write_bytes(content)
