"""Certificates as lists have them: PEM, base64 or hexadecimal in a field of text, or DER in one of bytes."""

import base64
import binascii
import re

from sithsd.certificate.read import MAX_CERTIFICATE_BYTES
from sithsd.report.model import Why

MAX_TEXT = 2 * MAX_CERTIFICATE_BYTES + 4096
"""Characters of the longest field: hexadecimal, and some white space."""

# RFC 7468, 5.1; in lists the line breaks are often lost, or written as \n.
_PEM = re.compile(r"-----BEGIN (?:X509 )?CERTIFICATE-----(.*?)-----END (?:X509 )?CERTIFICATE-----", re.DOTALL)
_BLANK = re.compile(r"\s+|\\r|\\n")
_HEX = re.compile(r"[0-9A-Fa-f]{2,}")


class EncodingError(ValueError):
    """No certificate; `why` names it."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def der_of(value: str | bytes) -> bytes:
    """Return the bytes of the certificate in a field; whether they are one is not looked at. Raises EncodingError."""
    if isinstance(value, bytes):
        return _bounded(value) if value[:1] == b"\x30" else _of_text(value.decode("latin-1"))
    return _of_text(value)


def _of_text(text: str) -> bytes:
    if len(text) > MAX_TEXT:
        raise EncodingError(Why.TOO_LONG)
    if "-----BEGIN" in text:
        blocks = _PEM.findall(text)
        if len(blocks) != 1:  # in one field there is one certificate
            raise EncodingError(Why.TOO_MANY if blocks else Why.CERTIFICATE_ENCODING)
        text = blocks[0]
    packed = _BLANK.sub("", text)
    digits = packed.replace(":", "").removeprefix("0x")
    try:
        if _HEX.fullmatch(digits) and len(digits) % 2 == 0 and digits[:2] == "30":
            return _bounded(bytes.fromhex(digits))
        return _bounded(base64.b64decode(packed, validate=True))
    except (binascii.Error, ValueError) as error:
        why = error.why if isinstance(error, EncodingError) else Why.CERTIFICATE_ENCODING
        raise EncodingError(why) from None


def _bounded(der: bytes) -> bytes:
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise EncodingError(Why.TOO_LONG)
    return der
