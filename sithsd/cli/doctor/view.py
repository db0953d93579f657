"""The report for people: a line for each link of the chain, what it comes to, and the one thing to do next."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sithsd.cli.doctor.bundle import IDENTITIES
from sithsd.cli.doctor.check import SKIPPED, Check, Result
from sithsd.cli.doctor.next_step import next_step, possible
from sithsd.cli.doctor.report import sentence, step_sentence
from sithsd.cli.views.layout import BAD, CAUTION, GOOD, HEADING, LABEL, indented
from sithsd.cli.words import Words

_STYLES: Mapping[Result, str] = {
    Result.GOOD: GOOD,
    Result.BAD: BAD,
    Result.UNKNOWN: CAUTION,
    Result.NOT_APPLICABLE: LABEL,
}


def doctor_view(checks: Sequence[Check], words: Words) -> RenderableType:
    """Return the whole report; checks that had nothing to look at share one line."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(style=LABEL, no_wrap=True)
    grid.add_column(overflow="fold")
    for check in checks:
        if check.finding == SKIPPED:
            continue
        style = CAUTION if check.result is Result.BAD and not check.hinders else _STYLES[check.result]
        grid.add_row(
            Text(words.say(f"doctor-result-{check.result}"), style=style),
            Text(words.say(f"doctor-label-{check.name}")),
            Text(sentence(check, words), style=LABEL if check.result is Result.NOT_APPLICABLE else ""),
        )
    passed_over = [words.say(f"doctor-label-{check.name}") for check in checks if check.finding == SKIPPED]
    if passed_over:
        mark = Text(words.say(f"doctor-result-{Result.NOT_APPLICABLE}"), style=LABEL)
        grid.add_row(mark, Text(words.say("doctor-label-skipped")), Text(", ".join(passed_over), style=LABEL))
    return Group(grid, Text(""), *_end(checks, words))


def _end(checks: Sequence[Check], words: Words) -> list[Text]:
    works = possible(checks)
    told = Text(words.say("doctor-possible" if works else "doctor-impossible"), style=GOOD if works else BAD)
    chosen = next_step(checks)
    step = words.say("doctor-nothing-next") if chosen is None else step_sentence(chosen[1], words)
    heading = words.say("doctor-next" if chosen is None or not works else "doctor-better")
    return [told, Text.assemble((f"{heading} ", HEADING), step)]


def bundle_view(path: str, contents: Sequence[str], words: Words) -> RenderableType:
    """Return what was written for support, and what was not."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name in contents:
        grid.add_row(Text("-"), Text(words.say(f"doctor-bundle-{name}")))
    without = [] if IDENTITIES in contents else [Text(words.say("doctor-bundle-without"))]
    return Group(
        Text(""),
        Text(words.say("doctor-bundle-written", path=path)),
        indented(grid),
        *without,
        Text(words.say("doctor-bundle-look")),
    )
