"""What the tests of the judge share: a PKI of our own, and short words for what is asked of it."""

from collections.abc import Iterable
from typing import Any

from cryptography import x509

from sithsd.certificate.read import Certificate, read
from sithsd.validity.anchors import Anchor
from sithsd.validity.judge import Assessment, Judge
from sithsd.validity.policy import ValidityPolicy
from sithsd.values import Environment

SIM = ValidityPolicy(environments=frozenset({Environment.SIM}))
BEST = ("revocation.notChecked",)


class House:
    """A SIM root, an issuing CA below it, and a judge that has both."""

    def __init__(self, forge: Any) -> None:
        self.root = forge.authority("SIM SITHS e-id Root CA v2")
        self.issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", self.root, path_length=0)
        self.anchor = Anchor(read(self.root.der), Environment.SIM)
        self.judge = Judge([self.anchor], [self.issuer.der], SIM)
        self.leaf = forge.person(issuer=self.issuer)
        self.now = forge.NOW


def leaf(forge: Any, issuer: Any, **more: Any) -> Certificate:
    """Make a person's certificate."""
    return read(forge.person(issuer=issuer, **more).der)


def reasons(assessment: Assessment) -> tuple[str, ...]:
    """Return the reasons alone."""
    return assessment.verdict.reasons


def broken(forge: Any, house: House) -> Iterable[tuple[str, list[Any]]]:
    """Make chains that lead to our root and are wrong; each a name and its certificates, the judged one first."""
    name = "SIM SITHS e-id Person HSA-id 3 CA v1"
    impostor = forge.authority(name, key_identifiers=False, path_length=None)
    genuine = forge.authority(name, house.root, key_identifiers=False)
    yield "wrong key", [forge.person(issuer=impostor, key_identifiers=False), genuine]
    narrow = forge.authority("SIM Narrow", house.root, path_length=0)
    below = forge.authority("SIM Below", narrow)
    yield "path length", [forge.person(issuer=below), below, narrow]
    person = forge.person(issuer=house.root)
    yield "not a CA", [forge.person(issuer=person), person]
    no_signing = forge.authority("SIM No signing", house.root, usage={"crl_sign"})
    yield "key usage", [forge.person(issuer=no_signing), no_signing]
    only_se = x509.NameConstraints([x509.DirectoryName(x509.Name.from_rfc4514_string("C=SE"))], None)
    constrained = forge.authority("SIM Constrained", house.root, extensions=[(only_se, True)])
    yield "name constraints", [forge.person(issuer=constrained), constrained]
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00")
    yield "unknown critical extension", [forge.person(issuer=house.issuer, extensions=[(odd, True)]), house.issuer]
