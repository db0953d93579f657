"""The chain: each row's hash is made over its own content and the hash of the row before.

The text that is hashed is, in SQL, what the file's view `chain` gives:

    'sithsd audit 1|' || previous || '|' || quote(number) || '|' || quote(time) || ... || '|' || quote(more)

with the columns in the order of `COLUMNS`, and SQLite's quote(): NULL, an integer in decimal, or a text between
apostrophes with each apostrophe doubled. In UTF-8; the hash is SHA-256 in lower-case hexadecimal. `previous` is the
hash of the row before, 64 zeros for row 1. So one row is checked, without any program of ours, by

    sqlite3 -readonly audit.sqlite "SELECT text FROM chain WHERE number = 7" | head -c -1 | sha256sum
    sqlite3 -readonly audit.sqlite "SELECT hash FROM rows WHERE number = 7"
    sqlite3 -readonly audit.sqlite "SELECT previous FROM rows WHERE number = 8"

(three times the same), after a look at `.schema chain`, which stands in the file too.

The number and hash of the last row are kept in the table `head` as well, and its number in SQLite's own sequence, so
that rows missing at the end are noticed. When old rows are removed by policy, a row "audit.retention" says up to which
number (`removedTo`) and what the last removed row's hash was (`removedHash`): the rest of the chain goes on from there.

What this can't show: whoever may write the file (root, the daemon's user) can rewrite everything from some row on, with
new hashes and a new head, or put an older copy of the whole file in its place, and the file alone is then in order.
Against that there is a second witness: the daemon logs each row's number and hash (`audit.row`), and `sithsctl audit
verify --hash` says whether a hash from the journal, or from a note kept elsewhere, is in the chain. Nor is a row
evidence of what was not told to the daemon: uid and pid are the kernel's word, the answers of a checklist are the
operator's. What has begun and has no row yet is not chained: whoever may write the file can take it away unseen, but
for the journal's lines about the operation itself.
"""

import hashlib

GENESIS = "0" * 64
PREFIX = "sithsd audit 1"
# What is hashed besides `previous`, in this order.
COLUMNS = (
    "number",
    "time",
    "operation",
    "uid",
    "pid",
    "program",
    "reader",
    "card_serial",
    "role",
    "result",
    "tries_before",
    "tries_after",
    "checklist",
    "more",
)
ALL_COLUMNS = (*COLUMNS, "previous", "hash")

Value = str | int | None


def row_hash(previous: str, values: tuple[Value, ...]) -> str:
    """Return the hash of the row with these `values`, in the order of `COLUMNS`, after the row with hash `previous`."""
    text = "|".join((PREFIX, previous, *map(_quoted, values)))
    # A text that was no UTF-8 in the file comes with lone surrogates, and has to come out as the same bytes.
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def as_value(stored: object) -> Value:
    """Return what a damaged file may hold as one of the values that a row can have; others stay as they are."""
    if isinstance(stored, bytes):
        return stored.decode("utf-8", "replace")
    return stored if stored is None or isinstance(stored, (int, str)) else str(stored)


def text_in_sql() -> str:
    """Return the SQL expression, over the table `rows`, of the text that is hashed."""
    return f"'{PREFIX}|' || previous || " + " || ".join(f"'|' || quote({column})" for column in COLUMNS)


def _quoted(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
