"""Certificates from files: PEM (several in one allowed) or DER, bounded in size and number."""

import base64
import binascii
import re
from pathlib import Path

from sithsd.certificate.read import Certificate, CertificateError, read

MAX_FILE_BYTES = 1024 * 1024
MAX_FILE_CERTIFICATES = 64
_SUFFIXES = frozenset({".pem", ".cer", ".crt", ".der"})

# RFC 7468, 3 and 5.1; text around the blocks is explanation.
_PEM_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----")


class CertificateFileError(ValueError):
    """A file of certificates can't be used; the message is one line with file and reason."""


def certificate_files(folder: Path) -> list[Path]:
    """Return the files in `folder` whose names are those of certificates, in order; none if there is no such folder.

    Raises CertificateFileError for one that can't be looked into: what lies in it would be missed without a word.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CertificateFileError(f"{folder}: {error.strerror}") from None


def read_certificates(path: Path) -> list[Certificate]:
    """Return the certificates in the file, at least one. Raises CertificateFileError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CertificateFileError(f"{path}: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise CertificateFileError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    try:
        return certificates_in(content)
    except CertificateFileError as error:
        raise CertificateFileError(f"{path}: {error}") from None


def certificates_in(content: bytes) -> list[Certificate]:
    """Return the certificates in the content of a file, at least one. Raises CertificateFileError, without a file."""
    try:
        return [read(der) for der in _ders(content)]
    except binascii.Error as error:
        raise CertificateFileError(f"malformed base64 ({error})") from None
    except CertificateError as error:
        raise CertificateFileError(str(error)) from None


def _ders(content: bytes) -> list[bytes]:
    if content[:1] == b"\x30":
        return [content]
    if content.count(b"-----BEGIN") > MAX_FILE_CERTIFICATES:
        raise CertificateError(f"more than {MAX_FILE_CERTIFICATES} certificates")
    blocks = _PEM_BLOCK.findall(content)
    if not blocks or len(blocks) != content.count(b"-----BEGIN CERTIFICATE-----"):
        raise CertificateError("neither a DER certificate nor whole PEM ones")
    return [base64.b64decode(b"".join(block.split()), validate=True) for block in blocks]
