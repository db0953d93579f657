"""What desks' daemons have seen: their exports (JSON lines), or a daemon's own file (SQLite)."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from sithsd.report.dates import first_moment, last_moment
from sithsd.report.inputs.lines import Lines
from sithsd.report.model import Entry, Evidence, InputError, Place, Reject, Why
from sithsd.sightings.model import Sighting
from sithsd.sightings.store import SightingsError, read


class Exported:
    """The sightings in an export: a JSON object a line."""

    unused = ()

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Take the file and its name."""
        self._lines = Lines(file)
        self._name = name
        self._decoder = msgspec.json.Decoder(Sighting)

    def __iter__(self) -> Iterator[Entry | Reject]:
        for line in self._lines:
            place = Place(self._name, self._lines.number)
            if self._lines.cut == place.line:
                yield Reject(place, Why.TOO_LONG)
            elif line.strip():
                yield self._entry(place, line)

    def _entry(self, place: Place, line: str) -> Entry | Reject:
        try:
            return _entry(place, self._decoder.decode(line))
        except (msgspec.MsgspecError, RecursionError):
            return Reject(place, Why.MALFORMED)


class Kept:
    """The sightings in a daemon's own file."""

    unused = ()

    def __init__(self, path: Path, name: str) -> None:
        """Take the file and its name."""
        self._path = path
        self._name = name

    def __iter__(self) -> Iterator[Entry | Reject]:
        try:
            for number, sighting in enumerate(read(self._path), 1):
                yield _entry(Place(self._name, number), sighting)
        except SightingsError as error:
            raise InputError("report-input-sightings", str(error)) from error


def _entry(place: Place, seen: Sighting) -> Entry | Reject:
    if seen.not_before is not None and seen.not_before > seen.not_after:
        return Reject(place, Why.DATE_ORDER)
    return Entry(
        place,
        Evidence.SIGHTING,
        unit=seen.unit,
        card=seen.card,
        not_before=None if seen.not_before is None else first_moment(seen.not_before),
        not_after=last_moment(seen.not_after),
        kind=seen.kind,
        environment=seen.environment,
    )
