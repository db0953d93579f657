"""Whatever is given to the report as an input, it is counted or refused by name."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from sithsd.report.inputs import open_input
from sithsd.report.model import Entry, InputError, Reject

PIECES = [
    *(b"name;", b"valid to;", b"certificate,", b"\n", b"\r\n", b'"', b";", b",", b"\t", b"2024-01-25", b"01/02/2024"),
    *(
        b"dn: cn=x\n",
        b"userCertificate;binary:: MAA=\n",
        b"userCertificate;binary:< file:///x\n",
        b"\n ",
        b"# ",
        b":: ",
    ),
    *(b"version: 1\n", b'{"card":"', b"}\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xe5\xe4\xf6", "åäö".encode()),
    *(b"PAR1", b"SQLite format 3\x00", b"-----BEGIN CERTIFICATE-----", b"MAA=", b"45316,5", b"9" * 30, b"-----END "),
]
BYTES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), max_size=40).map(b"".join)
HEADS = st.sampled_from(
    [b"", b"name;valid to\n", b"certificate,unit\n", b"dn: cn=x\n", b'{"card":"x"}\n', b"valid to\tmail\n"]
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the inputs are written."""
    return tmp_path_factory.mktemp("inputs") / "input"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
@given(head=HEADS, content=BYTES)
def test_an_input_is_read_or_refused_by_name(path: Path, head: bytes, content: bytes) -> None:
    """No bytes bring the reading down: an item is an entry with a certificate or a last day, or a reject."""
    path.write_bytes(head + content)
    check(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a Parquet file that is in order."""
    file = tmp_path_factory.mktemp("parquet") / "list.parquet"
    days = [datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 31)]
    columns = {"certificate": [b"0\x03\x02\x01\x00", None] * 15, "valid to": days, "enhet": ["Exempel"] * 30}
    parquet.write_table(pa.table(columns), file)
    return file.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6), cut=st.floats(0.5, 1))
def test_damaged_parquet_is_read_or_refused_by_name(
    path: Path, whole: bytes, changes: list[tuple[float, int]], cut: float
) -> None:
    """Wherever bytes were changed, or the end is missing: the file is refused, or read as far as it goes."""
    content = bytearray(whole[: int(len(whole) * cut)] if cut < 0.7 else whole)
    for place, byte in changes:
        content[min(int(place * len(content)), len(content) - 1)] = byte
    path.write_bytes(content)
    check(path)


def check(path: Path) -> None:
    """Read an input to its end, or have it refused by name."""
    items, refused = [], None
    try:
        with open_input(path) as reading:
            items += list(reading)
    except InputError as error:
        refused = error.key
    assert refused is None or refused.startswith("report-")
    for item in items:
        assert item.place.line >= 1
        if isinstance(item, Entry):
            assert item.der is not None or item.not_after is not None
        else:
            assert isinstance(item, Reject)
