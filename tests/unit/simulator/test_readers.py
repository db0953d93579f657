"""Readers as folders, and their driver's build."""

import struct
from pathlib import Path

import pytest

from sithsd.simulator.pad import Pad
from sithsd.simulator.readers import GET_FEATURES, VARIABLE, Readers, ReadersError, has_pad

FEATURES, PROPERTIES = "42000D48", "42330012"


@pytest.fixture
def readers(tmp_path: Path) -> Readers:
    """Make three readers; the second has a pad."""
    made = Readers(tmp_path / "readers")
    made.make(3, pads={1})
    return made


def test_a_reader_is_a_folder(readers: Readers) -> None:
    """Each has its number as its name, and the driver's socket in it; their names are those that pcscd gives."""
    assert [path.parent.name for path in readers.sockets()] == ["0", "1", "2"]
    assert readers.place(2).is_dir()
    assert readers.name(2) == "SITHS-SIM Reader (2) 02 00"
    assert readers.name(11, spot=0) == "SITHS-SIM Reader (11) 00 00"


def test_a_reader_is_unplugged_and_plugged_in(readers: Readers) -> None:
    """What is unplugged is where no driver sees it, and keeps what was in it."""
    readers.unplug(1)
    assert not readers.place(1).exists()
    assert [path.parent.name for path in readers.sockets()] == ["0", "2"]
    readers.plug(1)
    assert has_pad(readers.place(1))


def test_a_plug_is_in_or_out(readers: Readers) -> None:
    """Neither can be done twice, nor to a reader that there is not."""
    readers.unplug(0)
    for how, number, state in ((readers.unplug, 0, "plugged in"), (readers.plug, 1, "unplugged")):
        with pytest.raises(ReadersError, match=f"reader {number} is not {state}"):
            how(number)
    with pytest.raises(ReadersError, match="reader 7 is not plugged in"):
        readers.unplug(7)


def test_a_pad_is_told_in_files(readers: Readers) -> None:
    """The features' TLVs have big-endian codes (part 10, 2.2), the properties little-endian numbers (2.6.14)."""
    assert [has_pad(readers.place(number)) for number in range(3)] == [False, True, False]
    readers.fit_pad(0, Pad(shortest=5, longest=9))
    features = (readers.place(0) / FEATURES).read_bytes()
    assert list(struct.iter_unpack(">BBI", features)) == [
        (0x06, 4, 0x42330006), (0x07, 4, 0x42330007), (0x12, 4, 0x42330012),
    ]  # fmt: skip
    properties = (readers.place(0) / PROPERTIES).read_bytes()
    assert properties == bytes.fromhex("0102 0000 0201 07 0301 00 0601 05 0701 09")
    assert f"{GET_FEATURES:08X}" == FEATURES
    readers.take_pad(0)
    assert not has_pad(readers.place(0))
    readers.take_pad(0)


def test_the_environment_names_the_readers(readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable there are none of these."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert Readers.here() is None
    monkeypatch.setenv(VARIABLE, str(readers.folder))
    here = Readers.here()
    assert here is not None
    assert here.folder == readers.folder
