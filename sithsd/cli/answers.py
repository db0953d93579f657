"""Answers to the checklist of an activation: from the command line, from a file, or from the person at the terminal."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sithsd.api.code_wire import Answer as WireAnswer
from sithsd.cli.failure import CommandError, failure, parameters
from sithsd.cli.plain import plain
from sithsd.cli.replies import ChecklistItem
from sithsd.cli.terminal import Terminal
from sithsd.cli.words import ENGLISH, Words
from sithsd.errors import ErrorCode
from sithsd.policy.checklist import Answer, Item, Kind, asked, contradiction, fulfils, open_items

_MAX_FILE = 64 * 1024
# Both languages' words are taken, whatever language is spoken.
_YES = frozenset({"yes", "y", "true", "ja", "j"})
_NO = frozenset({"no", "n", "false", "nej"})


def parsed(text: str) -> Answer | None:
    """Return yes, no or an ISO 8601 date from what was written; None for anything else."""
    word = text.strip().casefold()
    if word in _YES or word in _NO:
        return word in _YES
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def given(file: str | None, pairs: Sequence[str]) -> dict[str, Answer]:
    """Return the answers in a JSON file (an object of ids and answers) and of `id=answer` pairs; a pair goes first.

    A CommandError ("request.invalid") for what is no answer. It never repeats what was written.
    """
    answers: dict[str, Answer] = {} if file is None else _of_file(Path(file))
    for pair in pairs:
        name, equals, text = pair.partition("=")
        answer = parsed(text)
        if not equals or answer is None:
            raise _usage("usage-bad-answer", "an --answer is no id=answer")
        answers[name] = answer
    return answers


def _of_file(path: Path) -> dict[str, Answer]:
    try:
        with path.open("rb") as opened:
            content = opened.read(_MAX_FILE + 1)
        told: Any = json.loads(content) if len(content) <= _MAX_FILE else None
    except (OSError, ValueError, RecursionError) as error:
        raise _usage("usage-bad-answers", f"the answers can't be read: {type(error).__name__}") from error
    if not isinstance(told, dict):
        raise _usage("usage-bad-answers", "the answers are no JSON object")
    answers: dict[str, Answer] = {}
    for name, value in told.items():
        answer = parsed(value) if isinstance(value, str) else value
        if not isinstance(answer, bool | date):
            raise _usage("usage-bad-answers", "an answer is neither yes, no nor a date")
        answers[name] = answer
    return answers


def items_of(told: Sequence[ChecklistItem]) -> tuple[Item, ...]:
    """Return the daemon's items; a CommandError ("internal") where they are of a kind that this release can't ask."""
    try:
        items = tuple(
            Item(id=one.id, kind=Kind(one.kind), sv=one.sv, en=one.en, max_age_months=one.max_age_months, when=one.when)
            for one in told
        )
        reason = contradiction(items)
    except ValueError as error:
        raise failure(ErrorCode.INTERNAL, f"a checklist that can't be asked: {error}") from error
    if reason is not None:
        raise failure(ErrorCode.INTERNAL, f"a checklist that can't be asked: {reason}")
    return items


def _usage(key: str, detail: str) -> CommandError:
    return CommandError(parameters(ErrorCode.REQUEST_INVALID, detail), key=key)


def known(items: Sequence[Item], answers: Mapping[str, Answer]) -> None:
    """Take care that each answer is to an item: a slip of the pen in an id would go unnoticed.

    A CommandError ("request.invalid") otherwise; it names the ids that there are.
    """
    ids = [item.id for item in items]
    if any(name not in ids for name in answers):
        found = parameters(ErrorCode.REQUEST_INVALID, "an answer to an item that the checklist has not")
        raise CommandError(found, key="usage-unknown-answer", lines=ids)


def ask(
    terminal: Terminal, words: Words, items: Sequence[Item], answers: Mapping[str, Answer], today: date
) -> dict[str, Answer]:
    """Ask the person for each answer that is not given yet, and return all.

    A CommandError ("activation.checklist") at the first one that is not enough: nobody is kept answering in vain.
    """
    whole = dict(answers)
    if any(item.id not in whole for item in asked(items, whole)):
        terminal.say(words.say("checklist-heading"))
    for item in items:
        # Whether an item counts hangs on the answers before it.
        if item not in asked(items, whole):
            continue
        if item.id not in whole:
            whole[item.id] = _asked(terminal, words, item)
        if not fulfils(item, whole[item.id], today):
            raise refusal(items, whole, today, words, only=(item.id,))
    return whole


def check(items: Sequence[Item], answers: Mapping[str, Answer], today: date, words: Words) -> None:
    """Raise a CommandError ("activation.checklist") with every item that is missing or not enough."""
    names = open_items(items, answers, today)
    if names:
        raise refusal(items, answers, today, words, only=names)


def refusal(
    items: Sequence[Item], answers: Mapping[str, Answer], today: date, words: Words, *, only: Sequence[str]
) -> CommandError:
    """Return why an activation can't go on: each item of `only` with its question and what is wrong with the answer."""
    found = parameters(ErrorCode.ACTIVATION_CHECKLIST, "the checklist is not fulfilled")
    found.rules = list(only)
    by_id = {item.id: item for item in items}
    lines = [
        words.say("checklist-line", question=question(item, words), result=_result(item, answers, today, words))
        for item in (by_id[name] for name in only)
    ]
    return CommandError(found, lines=lines)


def question(item: Item, words: Words) -> str:
    """Return what is asked, in the language at hand."""
    return plain(item.en if words.language == ENGLISH else item.sv)


def on_the_wire(items: Sequence[Item], answers: Mapping[str, Answer]) -> list[WireAnswer]:
    """Return the answers to the items that count, as the daemon takes them."""
    return [_wire(item.id, answers[item.id]) for item in asked(items, answers) if item.id in answers]


def _wire(name: str, answer: Answer) -> WireAnswer:
    if isinstance(answer, bool):
        return WireAnswer(id=name, confirmed=answer)
    return WireAnswer(id=name, date=answer.isoformat())


def _asked(terminal: Terminal, words: Words, item: Item) -> Answer:
    """Ask one item until the answer is of its kind."""
    wants_date = item.kind is Kind.DATE
    prompt = words.say("checklist-date" if wants_date else "checklist-yes-no")
    terminal.say(question(item, words))
    while True:
        answer = parsed(terminal.ask_word(f"  {prompt}"))
        if isinstance(answer, bool) is not wants_date and answer is not None:
            return answer


def _result(item: Item, answers: Mapping[str, Answer], today: date, words: Words) -> str:
    answer = answers.get(item.id)
    if answer is None or (isinstance(answer, bool) is (item.kind is Kind.DATE)):
        return words.say("checklist-result-missing")
    if isinstance(answer, bool):
        return words.say("checklist-result-no")
    if answer > today:
        return words.say("checklist-result-future", date=answer.isoformat())
    return words.say("checklist-result-old", date=answer.isoformat(), months=item.max_age_months or 0)
