"""The chain: what is hashed, as other programs than ours compute it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sithsd.audit.chain import GENESIS, row_hash
from sithsd.audit.log import AuditLog
from tests.unit.audit.conftest import do

# Nothing of sithsd: Python's own SQLite and SHA-256, and the sentence of the documentation.
CHECK = """
import hashlib, sqlite3, sys
connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
columns = "number time operation uid pid program reader card_serial role result".split()
columns += "tries_before tries_after checklist more".split()
text = "'sithsd audit 1|' || previous || " + " || ".join(f"'|' || quote({name})" for name in columns)
previous = "0" * 64
found = connection.execute(f"SELECT number, previous, hash, {text} FROM rows ORDER BY number")
for number, before, noted, whole in found:
    assert before == previous, number
    assert hashlib.sha256(whole.encode()).hexdigest() == noted, number
    previous = noted
print(previous)
"""


def test_a_row_of_which_the_hash_is_known() -> None:
    """The text that is hashed never changes: the files that there are must stay in order."""
    values = (1, "2028-01-01T12:00:00.000000Z", "verify", 0, None, "o'clock", None, "1", None, "done", 3, 3, None, "{}")
    # printf %s "sithsd audit 1|000...|1|'2028-...'|'verify'|0|NULL|'o''clock'|NULL|'1'|NULL|'done'|3|3|NULL|'{}'"
    assert row_hash(GENESIS, values) == "c6d4f4d010fa58bf013cfcd79d98de3e332301f32c687ab934df7d5d82c351bc"


def test_another_program_finds_the_same_chain(opened: Callable[..., AuditLog], path: Path) -> None:
    """Whoever reads the documentation can check the file with Python alone."""
    audit = opened()
    do(audit)
    do(audit, "pin.wrong", operation="change", program=None, checklist={"b": "å", "a": [1, None]})
    last = do(audit, program="a\x00b\n\x1b[31m'\u202e\udcff")
    told = subprocess.run([sys.executable, "-I", "-c", CHECK, path], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == last.hash


def test_the_shell_finds_the_same_hash(opened: Callable[..., AuditLog], path: Path) -> None:
    """The lines in the documentation are right: the file's own view gives the text, sha256sum its hash."""
    audit = opened()
    do(audit)
    row = do(audit, "pin.wrong", checklist={"identityDocument": "passport"})
    script = f"""
        {sys.executable} -I -c "
import sqlite3, sys
for row in sqlite3.connect('file:{path}?mode=ro', uri=True).execute('SELECT text FROM chain WHERE number = 2'):
    print(row[0])
" | head -c -1 | sha256sum
    """  # noqa: S608 - a fixed sentence
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split()[0] == row.hash
