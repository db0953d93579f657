"""The ASN.1 of ISO/IEC 7816-15:2016 (PKCS#15 v1.1), as far as a card with PINs, keys and certificates needs it."""

from asn1crypto import core

# asn1crypto refuses what a specification does not name. What may follow in a later edition of the standard, or is not
# needed here, is therefore named as this many values of any kind.


def _anything(count: int) -> list[tuple[str, type[core.Any], dict[str, bool]]]:
    return [(f"further_{number}", core.Any, {"optional": True}) for number in range(count)]


class Path(core.Sequence):
    """Where an object lies: file identifiers, and a part of the file if not all of it (8.2.5)."""

    _fields = [
        ("path", core.OctetString),
        ("index", core.Integer, {"optional": True}),
        ("length", core.Integer, {"implicit": 0, "optional": True}),
    ]


class CommonObjectAttributes(core.Sequence):
    """What every object has (8.2.8)."""

    _fields = [
        ("label", core.UTF8String, {"optional": True}),
        ("flags", core.BitString, {"optional": True}),
        ("auth_id", core.OctetString, {"optional": True}),
        ("user_consent", core.Integer, {"optional": True}),
        *_anything(3),
    ]


class PathOrObjects(core.Choice):
    """A directory file's place, or its contents here (8.3)."""

    _alternatives = [("path", Path), ("objects", core.Any, {"explicit": 0})]


class ObjectDirectory(core.Choice):
    """One entry of EF.ODF (8.3)."""

    _alternatives = [
        ("private_keys", PathOrObjects, {"explicit": 0}),
        ("public_keys", PathOrObjects, {"explicit": 1}),
        ("trusted_public_keys", PathOrObjects, {"explicit": 2}),
        ("secret_keys", PathOrObjects, {"explicit": 3}),
        ("certificates", PathOrObjects, {"explicit": 4}),
        ("trusted_certificates", PathOrObjects, {"explicit": 5}),
        ("useful_certificates", PathOrObjects, {"explicit": 6}),
        ("data_objects", PathOrObjects, {"explicit": 7}),
        ("auth_objects", PathOrObjects, {"explicit": 8}),
    ]


class PasswordFlags(core.BitString):
    """Properties of a password (8.9.2)."""

    _map = {
        0: "case-sensitive",
        1: "local",
        2: "change-disabled",
        3: "unblock-disabled",
        4: "initialized",
        5: "needs-padding",
        6: "unblocking-password",
        7: "so-password",
        8: "disable-allowed",
        9: "integrity-protected",
        10: "confidentiality-protected",
        11: "exchange-ref-data",
    }


class PasswordType(core.Enumerated):
    """How the digits are put into bytes (8.9.2)."""

    _map = {0: "bcd", 1: "ascii-numeric", 2: "utf8", 3: "half-nibble-bcd", 4: "iso9564-1"}


class PasswordAttributes(core.Sequence):
    """Lengths, reference and padding of a password (8.9.2). Lengths count digits, stored_length bytes."""

    _fields = [
        ("flags", PasswordFlags),
        ("type", PasswordType),
        ("min_length", core.Integer),
        ("stored_length", core.Integer),
        ("max_length", core.Integer, {"optional": True}),
        ("reference", core.Integer, {"implicit": 0, "default": 0}),
        ("pad_char", core.OctetString, {"optional": True}),
        ("last_change", core.GeneralizedTime, {"optional": True}),
        ("path", Path, {"optional": True}),
        *_anything(4),
    ]


class CommonAuthenticationAttributes(core.Sequence):
    """The identifier that other objects' auth_id refers to (8.9.1)."""

    _fields = [("auth_id", core.OctetString, {"optional": True}), *_anything(3)]


class Password(core.Sequence):
    """One password object of EF.AODF (8.9.2)."""

    _fields = [
        ("common", CommonObjectAttributes),
        ("authentication", CommonAuthenticationAttributes),
        ("attributes", PasswordAttributes, {"explicit": 1}),
    ]


class KeyUsage(core.BitString):
    """What a key may do (8.4.3)."""

    _map = {
        0: "encrypt",
        1: "decrypt",
        2: "sign",
        3: "sign-recover",
        4: "wrap",
        5: "unwrap",
        6: "verify",
        7: "verify-recover",
        8: "derive",
        9: "non-repudiation",
    }


class CommonKeyAttributes(core.Sequence):
    """A key's identifier, usage and reference (8.4.3)."""

    _fields = [
        ("id", core.OctetString),
        ("usage", KeyUsage),
        ("native", core.Boolean, {"default": True}),
        ("access_flags", core.BitString, {"optional": True}),
        ("reference", core.Integer, {"optional": True}),
        *_anything(4),
    ]


class PrivateKeyAttributes(core.Sequence):
    """Where a private key is, and how long (8.5.2, 8.5.3): of an RSA key the modulus in bits, of an EC key nothing."""

    _fields = [
        ("value", Path),
        ("size", core.Integer, {"optional": True}),
        *_anything(4),
    ]


class PrivateKey(core.Sequence):
    """One private key of EF.PrKDF (8.5), of whichever algorithm.

    What may follow: attributes of private keys [0], and those of the algorithm [1] (`PrivateKeyAttributes`).
    """

    _fields = [
        ("common", CommonObjectAttributes),
        ("key", CommonKeyAttributes),
        *_anything(4),
    ]


class CommonCertificateAttributes(core.Sequence):
    """A certificate's identifier, equal to that of its key (8.8.1); what follows is not needed here."""

    _fields = [
        ("id", core.OctetString),
        ("authority", core.Boolean, {"default": False}),
        *_anything(6),
    ]


class CertificateValue(core.Choice):
    """A certificate by its place, or here (8.2.9)."""

    _alternatives = [("path", Path), ("direct", core.Any, {"explicit": 0})]


class CertificateAttributes(core.Sequence):
    """An X.509 certificate's value (8.8.2); subject, issuer and serial number may follow and are not needed here."""

    _fields = [
        ("value", CertificateValue),
        *_anything(6),
    ]


class CertificateObject(core.Sequence):
    """One X.509 certificate of EF.CDF (8.8)."""

    _fields = [
        ("common", CommonObjectAttributes),
        ("certificate", CommonCertificateAttributes),
        ("attributes", CertificateAttributes, {"explicit": 1}),
    ]


class TokenInfo(core.Sequence):
    """EF.TokenInfo / EF.CIAInfo (8.10), up to the card's serial number, maker and label."""

    _fields = [
        ("version", core.Integer),
        ("serial_number", core.OctetString, {"optional": True}),
        ("manufacturer", core.UTF8String, {"optional": True}),
        ("label", core.UTF8String, {"implicit": 0, "optional": True}),
        *_anything(12),
    ]


class ApplicationTemplate(core.Sequence):
    """One entry of EF.DIR (ISO/IEC 7816-4:2020, 12.2.3), as far as it leads to the PKCS#15 application."""

    class_ = 1
    tag = 1
    _fields = [
        ("aid", core.OctetString, {"implicit": ("application", 15)}),
        ("label", core.UTF8String, {"implicit": ("application", 16), "optional": True}),
        ("path", core.OctetString, {"implicit": ("application", 17), "optional": True}),
        *_anything(4),
    ]
