"""How a report is made: inputs are read, entries judged, cards grouped and advised, and all is written."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from sithsd.report import advice, target
from sithsd.report.extra import pyarrow
from sithsd.report.inputs import open_input
from sithsd.report.judging import Judges, judge_all
from sithsd.report.model import Card, Entry, InputError, Reject, Step
from sithsd.report.outputs.agenda import Agenda
from sithsd.report.outputs.page import Page
from sithsd.report.outputs.parquet import write_parquet
from sithsd.report.outputs.table import write_rejects, write_table
from sithsd.report.spool import Spool
from sithsd.report.summary import Frame, Input, Period, Summary, summarise
from sithsd.report.trust import Sources, calendar_of, setup_of
from sithsd.report.words import Remembered, Words
from sithsd.validity.bulk import crews
from sithsd.validity.bulk.partitions import BulkError
from sithsd.validity.bulk.rows import BulkSetup
from sithsd.validity.calendar.advise import Calendar

# Below this many bytes of input other processes would take longer to start than the work takes.
_SMALL: Final = 8 << 20
# Freezes that ended lately are still shown.
_LATELY: Final = timedelta(weeks=1)
_EVERY: Final = 500
"""So many entries are read between two words on how far it is."""


class Progress(Protocol):
    """Is told how far the work is."""

    def reading(self, name: str, share: float, rows: int) -> None:
        """Take note that of all inputs this share has been read, which were so many rows; `name` is the one at hand."""
        ...

    def writing(self) -> None:
        """Take note that all has been read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. `present`: `at` is now, by the machine's clock. `jobs` None: one for each processor.

    `cluster` is the address of a Dask scheduler whose workers judge instead.
    """

    inputs: tuple[Path, ...]
    at: datetime
    present: bool
    warn_days: int
    sources: Sources = field(default_factory=Sources)
    jobs: int | None = None
    cluster: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The files to write, None for those that nobody asked for. `force`: those that are there are overwritten."""

    page: Path | None = None
    table: Path | None = None
    parquet: Path | None = None
    agenda: Path | None = None
    rejects: Path | None = None
    force: bool = False

    def check(self) -> None:
        """Return if each could be written. Raises InputError."""
        for path in (self.page, self.table, self.parquet, self.agenda, self.rejects):
            if path is not None:
                target.check(path, force=self.force)
        if self.parquet is not None:
            pyarrow()


class Report:
    """One report, made and at hand: close it, or use it in a `with`."""

    def __init__(self, spool: Spool, summary: Summary, everybody: tuple[Step, ...]) -> None:
        self.spool = spool
        self.summary = summary
        self.everybody = everybody

    def write(self, targets: Targets, words: Words) -> list[Path]:
        """Write the files that are asked for, and return which those are. Raises InputError."""
        words = Remembered(words)
        writers = {
            targets.page: lambda file: Page(words).write(file, self.summary, self.everybody),
            targets.table: lambda file: write_table(file, self._in_order(), self.summary.at, words),
            targets.parquet: lambda file: write_parquet(file, self.spool.cards()),
            targets.agenda: lambda file: self._write_agenda(file, words),
            targets.rejects: lambda file: write_rejects(file, self.spool.rejects(), words),
        }
        if not self.summary.counts.rejected:
            del writers[targets.rejects]
        written = [path for path in writers if path is not None]
        for path in written:
            with target.written(path, force=targets.force) as file:
                writers[path](file)
        return written

    def _in_order(self) -> Iterator[Card]:
        return self.spool.cards(order="units.key, steps IS NULL, by, who, cards.id")

    def _write_agenda(self, file: BinaryIO, words: Words) -> None:
        agenda = Agenda(self.summary.at, words)
        agenda.add(self.spool.cards("current AND steps IS NOT NULL", order="by, who, cards.id"))
        agenda.write(file)


@contextmanager
def made(wanted: Wanted, progress: Progress) -> Iterator[Report]:
    """Make the report that is wanted. Raises InputError."""
    calendar = calendar_of(wanted.sources)
    setup = setup_of(wanted.sources, wanted.at, present=wanted.present)
    with ExitStack() as stack:
        spool = stack.enter_context(Spool())
        inputs, problems = _gather(wanted, setup, spool, progress)
        progress.writing()
        spool.group()
        spool.advise(advice.advising(calendar, wanted.at), wanted.at)
        periods = tuple(_periods(calendar, wanted.at))
        frame = Frame(wanted.at, wanted.warn_days, periods, len(setup.lists), tuple(problems))
        summary = summarise(spool, inputs, frame)
        yield Report(spool, summary, tuple(advice.for_everybody(calendar, wanted.at)))


def _gather(wanted: Wanted, setup: BulkSetup, spool: Spool, progress: Progress) -> tuple[tuple[Input, ...], list[str]]:
    """Read and judge all inputs; return what was read, and why CRLs are not used."""
    reading, problems = _Reading(wanted.inputs, progress), list[str]()
    try:
        with _judges(wanted, sum(reading.sizes)) as judges:
            judge_all(reading.items(), setup, judges, spool.take, problems.append)
    except BulkError as error:
        raise InputError("report-judges", str(error), reason=str(error)) from error
    rejected = dict(spool.rows("SELECT name, count(*) FROM rejects JOIN files ON files.id = file GROUP BY name"))
    return tuple(replace(one, rejected=rejected.get(one.name, 0)) for one in reading.inputs), problems


class _Reading:
    """Reads the inputs one after the other, and counts."""

    def __init__(self, paths: tuple[Path, ...], progress: Progress) -> None:
        self.inputs: list[Input] = []
        self.sizes = [_size(path) for path in paths]
        self._paths = paths
        self._progress = progress
        self._rows = 0

    def items(self) -> Iterator[Entry | Reject]:
        """Yield what stands in the inputs."""
        names = [path.name for path in self._paths]
        for at, path in enumerate(self._paths):
            # Two of one name are told apart by their folders.
            name = path.name if names.count(path.name) == 1 else str(path)
            try:
                yield from self._items(at, path, name)
            except InputError as error:
                raise InputError(error.key, str(error), **{**error.values, "file": name}) from error

    def _items(self, at: int, path: Path, name: str) -> Iterator[Entry | Reject]:
        begins = self._rows
        with open_input(path, name) as reading:
            for item in reading:
                self._rows += 1
                if self._rows % _EVERY == 0:
                    self._tell(at, name, reading.share())
                yield item
            self._tell(at, name, 1.0)
            self.inputs.append(Input(name, reading.form, self._rows - begins, 0, reading.without, reading.unused))

    def _tell(self, at: int, name: str, share: float) -> None:
        whole = sum(self.sizes)
        done = sum(self.sizes[:at]) + self.sizes[at] * min(share, 1.0)
        self._progress.reading(name, done / whole if whole else 1.0, self._rows)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(
            "report-input-unreadable", f"{error.strerror}", reason=error.strerror or "?", file=path.name
        ) from error


@contextmanager
def _judges(wanted: Wanted, size: int) -> Iterator[Judges]:
    """Yield who judges: a cluster, processes, or this one where it is little work, or one job was asked for."""
    if wanted.cluster is not None:
        with ExitStack() as stack:
            try:
                judges = Judges(*stack.enter_context(crews.cluster(wanted.cluster)))
            except (OSError, ValueError) as error:  # nobody answers, or the address is none
                raise InputError("report-no-cluster", f"the cluster: {error}", address=wanted.cluster) from error
            yield judges
    elif wanted.jobs == 1 or (wanted.jobs is None and size < _SMALL):
        yield Judges()
    else:
        with crews.processes(wanted.jobs) as executor:
            yield Judges(executor)


def _periods(calendar: Calendar, at: datetime) -> Iterator[Period]:
    for freeze in calendar.freezes:
        if freeze.ends > at - _LATELY:
            yield Period(freeze.name, freeze.begins, freeze.ends, freeze.stop_begins, freeze.stop_ends)
