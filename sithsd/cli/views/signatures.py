"""A signature that was checked, for people: whose certificate, by which algorithm, and where it was written."""

from rich.console import Group, RenderableType
from rich.text import Text

from sithsd.cli.names import common_name
from sithsd.cli.replies import Verdict
from sithsd.cli.views.certificates import verdict_text
from sithsd.cli.views.layout import Row, facts, indented, outside
from sithsd.cli.words import Words
from sithsd.client import Authentication, Signature
from sithsd.values import IdentityKind, Role

# A personal identity number's last four digits, which are not for every eye that sees the screen.
_HIDDEN = 4


def signature_view(got: Signature, words: Words, *, written: str | None) -> RenderableType:
    """Return what was proven or signed. `written` is the file that the signature is in now."""
    proof = isinstance(got, Authentication)
    role = Role.AUTHENTICATION if proof else Role.SIGNATURE
    tries = "unknown" if got.tries_left is None else got.tries_left
    certificate = got.certificate
    verdict = Verdict(status=certificate.verdict.status, reasons=list(certificate.verdict.reasons))
    told: list[tuple[str, Text]] = [
        ("identity", _identity(got, words)),
        ("subject", outside(common_name(certificate.subject))),
        ("issuer", outside(common_name(certificate.issuer))),
        ("verdict", verdict_text(verdict, words)),
        ("fingerprint", outside(certificate.fingerprint.upper())),
        ("algorithm", outside(got.algorithm)),
        ("signature", outside(written or "")),
    ]
    rows: list[Row] = [(words.say(f"label-{label}"), value) for label, value in told if value.plain]
    done = words.say("authenticated-done" if proof else "signed-done", role=role, triesLeft=tries)
    return Group(Text(done), indented(facts(rows)))


def _identity(got: Signature, words: Words) -> Text:
    kind, value = words.name("identity", got.identity), got.identity_value or ""
    if got.identity != IdentityKind.HSA_ID and value:
        value = f"{value[:-_HIDDEN]}-{'*' * _HIDDEN}"
    return outside(f"{kind} {value}".rstrip())
