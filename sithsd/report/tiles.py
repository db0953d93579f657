"""The numbers that matter, with their words: the same on the page and at the terminal."""

from dataclasses import dataclass

from sithsd.report.summary import Summary
from sithsd.report.words import Words


@dataclass(frozen=True, slots=True)
class Tile:
    """A number and what it counts; `mood` is "good", "hot" or "stop" where it should catch the eye."""

    value: int
    label: str
    mood: str = ""


def tiles(summary: Summary, words: Words) -> tuple[Tile, ...]:
    """Return the numbers of `summary`, in the order in which they are told."""
    counts, say = summary.counts, words.say
    freeze = (counts.in_freeze, say("report-tile-freeze"), "hot")
    all_of_them = (
        (counts.current, say("report-tile-current"), ""),
        (counts.valid, say("report-tile-valid"), "good"),
        (counts.unknown, say("report-tile-unknown"), ""),
        (counts.soon, say("report-tile-soon", days=summary.warn_days), "hot"),
        *((freeze,) if any(one.ends > summary.at for one in summary.freezes) else ()),
        (counts.expired, say("report-tile-expired"), "hot"),
        (counts.revoked, say("report-tile-revoked"), "stop"),
        (counts.bad, say("report-tile-bad"), "stop"),
    )
    return tuple(Tile(value, label, mood if value else "") for value, label, mood in all_of_them)
