"""The page: one file that asks nobody for anything, with its style, its script and its picture in it.

What it may do is told to the browser by hash (Content Security Policy Level 3): this style and this script, and nothing
from anywhere. Whatever comes from an input is text there, by the template's escaping.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import BinaryIO

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from sithsd.report import timeline
from sithsd.report.dates import SWEDEN
from sithsd.report.model import Card, Standing, Step
from sithsd.report.phrases import Told, day_of, last_day, told
from sithsd.report.summary import Summary, Unit
from sithsd.report.tiles import Tile, tiles
from sithsd.report.words import Words
from sithsd.values import CardKind

_DAY = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2})?\b")


@dataclass(frozen=True, slots=True)
class _Mark:
    text: str
    mood: str


@dataclass(frozen=True, slots=True)
class _Action:
    action: str
    what: str
    cards: int
    first: str


@dataclass(frozen=True, slots=True)
class _Person:
    who: str
    ends: str
    marks: tuple[_Mark, ...]
    action: str
    first: Told
    more: tuple[Told, ...]
    key: str


@dataclass(frozen=True, slots=True)
class _Unit:
    name: str
    cards: int
    acting: int
    left_out: int
    people: tuple[_Person, ...]


@dataclass(frozen=True, slots=True)
class _Chart:
    width: int = timeline.WIDTH
    height: int = timeline.HEIGHT
    left: int = timeline.LEFT
    right: int = timeline.RIGHT
    top: int = timeline.TOP


class Page:
    """Writes the page in one language."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._say = words.say
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        environment.filters["days"] = _days
        self._template = environment.from_string(_file("report.html.j2"))

    def write(self, file: BinaryIO, summary: Summary, everybody: tuple[Step, ...]) -> None:
        """Write the page of `summary`; `everybody` is what all have to heed."""
        say, style, script = self._say, _file("report.css"), _file("report.js")
        units = [self._unit(unit, summary) for unit in summary.units if unit.acting]
        picture = timeline.timeline(summary)
        stream = self._template.stream(
            words=self._words,
            say=say,
            name=self._words.name,
            number=lambda value: say("report-number", value=value),
            summary=summary,
            counts=summary.counts,
            today=day_of(summary.at).isoformat(),
            moment=f"{summary.at.astimezone(SWEDEN):%Y-%m-%d %H:%M}",
            version=version("sithsd"),
            everybody=[told(step, summary.at, self._words) for step in everybody],
            tiles=tiles(summary, self._words),
            actions=self._actions(summary),
            picture=picture,
            chart=_Chart(),
            chart_text=self._chart_text(summary),
            months=timeline.months(summary),
            units=units,
            on_page=sum(len(unit.people) for unit in units),
            calm=[unit.name or say("report-no-unit") for unit in summary.units if not unit.acting],
            sums=self._sums(summary),
            reasons=[Tile(n, self._words.name("reason", reason)) for reason, n in summary.reasons],
            rejects=[Tile(n, self._words.name("report-reject", why)) for why, n in summary.rejects],
            # Our own files, which hold nothing of an input.
            style=Markup(style),  # noqa: S704 - as above
            script=Markup(script),  # noqa: S704 - as above
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
        file.writelines(piece.encode("utf-8", "replace") for piece in stream)

    def _actions(self, summary: Summary) -> list[_Action]:
        found = []
        for action, cards, by in summary.actions:
            first = self._say("report-at-once") if by is None else last_day(by).isoformat()
            found.append(_Action(action, self._words.name("report-action", action), cards, first))
        return found

    def _chart_text(self, summary: Summary) -> str:
        first, last = summary.weeks[0].monday, summary.weeks[-1].monday
        sentences = [
            self._say(
                "report-timeline-text",
                begins=first.isoformat(),
                ends=last.isoformat(),
                count=sum(week.ends for week in summary.weeks),
                later=summary.later,
            )
        ]
        sentences += [
            self._say(
                "report-timeline-freeze",
                name=freeze.name,
                begins=day_of(freeze.begins).isoformat(),
                ends=last_day(freeze.ends).isoformat(),
            )
            for freeze in summary.freezes
        ]
        return " ".join(sentences)

    def _unit(self, unit: Unit, summary: Summary) -> _Unit:
        people = tuple(self._person(card, summary) for card in unit.people)
        return _Unit(unit.name or self._say("report-no-unit"), unit.cards, unit.acting, unit.left_out, people)

    def _person(self, card: Card, summary: Summary) -> _Person:
        first, *more = (told(step, summary.at, self._words) for step in card.steps)
        marks = []
        if card.standing in {Standing.EXPIRED, Standing.REVOKED, Standing.BAD}:
            marks.append(_Mark(self._words.name("report-standing", card.standing), card.standing.value))
        if card.kind is CardKind.RESERVE:
            marks.append(_Mark(self._words.name("report-kind", card.kind), "kind"))
        return _Person(
            who=card.who or self._say("report-row", file=card.place.file, line=card.place.line),
            ends=day_of(card.not_after).isoformat(),
            marks=tuple(marks),
            action=card.steps[0].action,
            first=first,
            more=tuple(more),
            key=first.day.isoformat() if first.day and not first.at_once else "0",
        )

    def _sums(self, summary: Summary) -> list[Tile]:
        counts = summary.counts
        names = ("read", "rejected", "used", "cards", "replaced", "current")
        return [Tile(getattr(counts, name), self._say(f"report-sum-{name}")) for name in names]


def _days(text: str) -> Markup:
    """Return text whose dates are kept in one line."""
    # What is put together is escaped first; the tags are our own.
    return Markup(_DAY.sub(r'<span class="day">\g<0></span>', str(escape(text))))  # noqa: S704 - as above


def _file(name: str) -> str:
    return (files("sithsd.report") / "page" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
