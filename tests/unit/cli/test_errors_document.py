"""ERRORS.md is what the code says."""

import subprocess
import sys
from pathlib import Path

from sithsd.errors import ErrorCode
from sithsd.policy.model import Advice
from sithsd.policy.new_code import Rule

ROOT = Path(__file__).resolve().parents[3]


def test_the_errors_document_is_up_to_date() -> None:
    """Whoever changes an error, a sentence or an exit status makes the document anew."""
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "errors-document", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


def test_it_has_every_name() -> None:
    """Each error has its row and its sentences in both languages, each rule and advice its words."""
    text = (ROOT / "ERRORS.md").read_text("utf-8")
    for code in ErrorCode:
        assert f"| [`{code.value}`](#" in text
        section = text.partition(f"\n### {code.value}\n")[2].partition("\n###")[0]
        assert "- en: " in section
        assert "- sv: " in section
    for name in (*Rule, *Advice):
        assert f"| `{name.value}` | " in text
