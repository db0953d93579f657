"""What the tests of the judge share: a PKI of our own, and short words for what is asked of it."""

from typing import Any

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
