"""The tables of the audit's file, and which files have them.

`rows` is the chain; triggers refuse to change a row, and to remove one that `head` does not give up. `pending` holds
operations that have begun: not chained, each with room that its row will take. `reserve` is filled anew to make the
journal so long that a full disk does not keep a transaction from being written.
"""

import sqlite3

from sithsd.audit.chain import GENESIS, text_in_sql

APPLICATION_ID = 0x53415544  # "SAUD"
VERSION = 1
RESERVE_PAGES = 32
PAGE = 4096
# Of the reserve all pages but two, each with its frame (https://www.sqlite.org/fileformat2.html, 3).
JOURNAL_BYTES = (RESERVE_PAGES - 2) * (PAGE + 8)

_OPERATION = """
    time TEXT NOT NULL,
    operation TEXT NOT NULL,
    uid INTEGER,
    pid INTEGER,
    program TEXT,
    reader TEXT,
    card_serial TEXT,
    role TEXT,
"""
_SCHEMA = (
    f"""CREATE TABLE rows (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    {_OPERATION.strip()}
    result TEXT NOT NULL,
    tries_before INTEGER,
    tries_after INTEGER,
    checklist TEXT,
    more TEXT,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT""",
    f"""CREATE TABLE pending (
    ticket INTEGER PRIMARY KEY AUTOINCREMENT,
    {_OPERATION.strip()}
    tries_before INTEGER,
    checklist TEXT,
    more TEXT,
    room BLOB NOT NULL
) STRICT""",
    """CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    removed_to INTEGER NOT NULL,
    removed_hash TEXT NOT NULL
) STRICT""",
    "CREATE TABLE reserve (page INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT",
    f"CREATE VIEW chain AS SELECT number, previous, hash, {text_in_sql()} AS text FROM rows",  # noqa: S608 - own names
    """CREATE TRIGGER rows_stay BEFORE UPDATE ON rows
    BEGIN SELECT RAISE(ABORT, 'rows of the audit are not changed'); END""",
    """CREATE TRIGGER rows_are_kept BEFORE DELETE ON rows WHEN OLD.number > (SELECT removed_to FROM head)
    BEGIN SELECT RAISE(ABORT, 'rows of the audit are removed by policy alone'); END""",
)


class UnfitDatabaseError(Exception):
    """A database that is none of ours, or of a newer release; the message says which."""


def fits(connection: sqlite3.Connection) -> bool:
    """Whether the database has our tables; False for one that is empty. Raises UnfitDatabaseError for any other."""
    version = _pragma(connection, "user_version")
    mark = _pragma(connection, "application_id")
    if mark == 0 and version == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
        return False
    if mark != APPLICATION_ID:
        raise UnfitDatabaseError("it is a database of something else")
    if version != VERSION:
        raise UnfitDatabaseError(f"it has schema {version}; this release knows {VERSION}")
    # A view in a table's place could show other rows than there are, or rows without end.
    made = connection.execute("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'").fetchall()
    if sorted(str(sql) for (sql,) in made) != sorted(_SCHEMA):
        raise UnfitDatabaseError("its tables are not those of an audit")
    return True


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, within the transaction at hand."""
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO head VALUES (1, 0, ?, 0, ?)", (GENESIS, GENESIS))
    connection.executemany(
        "INSERT INTO reserve VALUES (?, zeroblob(?))", [(page, PAGE - 200) for page in range(RESERVE_PAGES)]
    )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
