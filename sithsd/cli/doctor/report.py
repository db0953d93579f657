"""The whole report: all checks in the order of the chain, what they come to, and their shape for scripts.

The shape is stable: names and fields are only ever added.

    {"possible": bool,       whether a log-in could work
     "next": null, or {"check", "finding", "sentence"}: the one thing to do next
     "checks": [{"name": "doctor.pcscd", "result": "good" | "bad" | "unknown" | "notApplicable",
                 "finding": a name of its own within the check, "hinders": bool: no log-in works as long as this is so,
                 "sentence": in the language asked for, "facts": {what it was judged by}}]}
"""

from collections.abc import Callable
from typing import Any

from sithsd.cli.doctor import cards, readers, revocation, services, trust
from sithsd.cli.doctor.check import SKIPPED, Check
from sithsd.cli.doctor.facts import Facts
from sithsd.cli.doctor.next_step import next_step, possible
from sithsd.cli.failure import program_names
from sithsd.cli.moments import local_date, local_time
from sithsd.cli.words import Words

CHECKS: tuple[Callable[[Facts], Check], ...] = (
    services.daemon,
    services.version,
    services.pcscd,
    services.rights,
    readers.reader,
    readers.power,
    readers.busy,
    cards.card,
    cards.profile,
    readers.protocol,
    trust.clock,
    cards.codes,
    trust.certificates,
    trust.chain,
    revocation.fetch,
    revocation.revocation,
    trust.notices,
)
_DATES = ("notBefore", "notAfter")
_TIMES = ("now", "at")


def examine(facts: Facts) -> list[Check]:
    """Return every check, in the order of the chain."""
    return [check(facts) for check in CHECKS]


def sentence(check: Check, words: Words) -> str:
    """Return what was found, for a person."""
    if check.finding == SKIPPED:
        return words.say("doctor-skipped")
    return words.say(f"doctor-{check.name}-{check.finding}", **_spoken(check, words))


def step_sentence(check: Check, words: Words) -> str:
    """Return what a person can do about it."""
    return words.say(f"doctor-step-{check.name}-{check.finding}", **_spoken(check, words))


def report(checks: list[Check], words: Words) -> dict[str, Any]:
    """Return the report for scripts."""
    chosen = next_step(checks)
    return {
        "possible": possible(checks),
        "next": None
        if chosen is None
        else {
            "check": chosen[1].full_name,
            "finding": chosen[1].finding,
            "sentence": step_sentence(chosen[1], words),
        },
        "checks": [
            {
                "name": check.full_name,
                "result": str(check.result),
                "finding": check.finding,
                "hinders": check.hinders,
                "sentence": sentence(check, words),
                "facts": dict(check.facts),
            }
            for check in checks
        ],
    }


def _spoken(check: Check, words: Words) -> dict[str, str | int]:
    """Return a check's variables as people say them: moments in local time, reasons and states in words."""
    spoken = check.variables
    for name, value in spoken.items():
        if name in _DATES:
            spoken[name] = local_date(str(value))
        elif name in _TIMES:
            spoken[name] = local_time(str(value))
        elif name == "holder":
            spoken[name] = program_names(str(value))
        elif name == "kind":
            spoken[name] = words.name("kind", str(value))
    return spoken
