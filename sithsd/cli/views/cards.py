"""Readers, and the card in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from sithsd.cli.replies import Card, Holder, ListReply, Reader
from sithsd.cli.views.advice import short
from sithsd.cli.views.certificates import short_view
from sithsd.cli.views.codes import codes_view
from sithsd.cli.views.layout import BAD, CAUTION, HEADING, Row, facts, frame, outside, section
from sithsd.cli.views.notices import notice_line
from sithsd.cli.words import Words

_ENVIRONMENT_STYLES = {"sim": "magenta", "test": "yellow", "unknown": "yellow"}
_QUIET_STATES = ("empty", "reading", "ready")
# What is left of a line for a value, beside the box and the indentation.
_LABELS = ("holder", "hsa-id", "card-number", "kind", "level-of-assurance", "valid", "issuer", "verdict", "environment")


@dataclass(frozen=True)
class Look:
    """How a view may look: boxes drawn, room for tables, colours seen."""

    boxed: bool
    wide: bool
    coloured: bool


def status_view(reply: ListReply, words: Words, now: datetime, look: Look) -> RenderableType:
    """Return all readers, each with its card, and under them what happened to codes."""
    parts: list[RenderableType] = []
    if not reply.service:
        parts.append(Text(words.say("service-absent"), style=BAD))
    elif not reply.readers:
        parts.append(Text(words.say("no-readers")))
    else:
        parts += _readers(reply, words, now, look)
    if reply.notices:
        lines = (Text(notice_line(notice, words), style=CAUTION) for notice in reply.notices)
        parts += [Text(""), section(words.say("label-notices"), Group(*lines))]
    return Group(*parts)


def _readers(reply: ListReply, words: Words, now: datetime, look: Look) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for reader in reply.readers:
        if parts and not look.boxed:
            parts.append(Text(""))
        parts.append(reader_view(reader, words, now, look))
    return parts


def reader_view(reader: Reader, words: Words, now: datetime, look: Look) -> RenderableType:
    """Return one reader: its state, and all that is known of the card in it."""
    title = Text.assemble((f"{words.say('reader')}: ", ""), outside(reader.name, HEADING))
    state = state_text(reader, words)
    if reader.card is None:
        return frame(title, state, boxed=look.boxed, style="dim")
    if _is_unread(reader.card):
        atr = facts([(words.say("label-atr"), outside(reader.card.atr))])
        return frame(title, Group(state, atr), boxed=look.boxed, style="yellow")
    body = _card_view(reader.card, state, words, now, look)
    return frame(title, body, boxed=look.boxed, style=_ENVIRONMENT_STYLES.get(reader.card.environment, "cyan"))


def state_text(reader: Reader, words: Words) -> Text:
    """Return the reader's state, with the reason's own name where this program does not know the state."""
    text = Text(words.name("state", reader.state), style="" if reader.state in _QUIET_STATES else CAUTION)
    if reader.reason and words.key("state", reader.state) is None:
        text.append_text(outside(f" ({reader.reason})"))
    return text


def environment_text(environment: str, words: Words, *, coloured: bool) -> Text:
    """Return which world the card belongs to. TEST and SIM are marked so that nobody can miss it."""
    sentence = words.name("environment", environment)
    mark = words.key("environment-mark", environment)
    style = f"bold {_ENVIRONMENT_STYLES.get(environment, '')}".strip() if environment != "production" else ""
    if mark is None:
        return Text(sentence, style=style)
    sign = (f" {words.say(mark)} ", f"{style} reverse") if coloured else (f"*** {words.say(mark)} ***", style)
    return Text.assemble(sign, " ", (sentence, style))


def holder_words(holder: Holder | None, words: Words) -> list[str]:
    """Return whose card it is in a few words: name and HSA-id, or that the identity is protected."""
    if holder is None:
        return []
    if holder.protected:
        return [words.say("holder-protected")]
    told = [holder.display_name] if holder.display_name else []
    if holder.hsa_id:
        told.append(f"{words.say('label-hsa-id')} {holder.hsa_id}")
    return told


def label_width(words: Words) -> int:
    """Return the width at which all values of a card begin."""
    return max(len(words.say(f"label-{label}")) for label in _LABELS)


def _is_unread(card: Card) -> bool:
    """Whether nothing but the ATR is known: then there is nothing to make a table of."""
    return card.holder is None and not card.codes and not card.certificates


def _card_view(card: Card, state: Text, words: Words, now: datetime, look: Look) -> RenderableType:
    width = label_width(words)
    inner = max(0, width - 2)
    parts: list[RenderableType] = [
        environment_text(card.environment, words, coloured=look.coloured),
        Text(""),
        facts(_card_rows(card, state, words), label_width=width),
        Text(""),
        section(words.say("label-codes"), codes_view(card.codes, words, label_width=inner)),
        Text(""),
        section(
            words.say("label-certificates"),
            short_view(card.certificates, words, now, wide=look.wide, label_width=max(0, width - 4)),
        ),
    ]
    return Group(*parts)


def _card_rows(card: Card, state: Text, words: Words) -> Sequence[Row]:
    unknown = words.say("not-known")
    level = card.level_of_assurance
    rows: list[Row] = [(words.say("label-state"), state)]
    rows += [(words.say("label-to-do"), Text(short(one, words), style=CAUTION)) for one in card.advice]
    rows += _holder_rows(card.holder, words)
    rows += [
        (words.say("label-card-number"), outside(card.card_number or unknown)),
        (words.say("label-kind"), Text(words.name("kind", card.kind))),
        (words.say("label-level-of-assurance"), Text(unknown if level is None else str(level))),
    ]
    rows += [(words.say("label-notes"), Text(words.name("note", note), style=CAUTION)) for note in card.notes]
    return rows


def _holder_rows(holder: Holder | None, words: Words) -> list[Row]:
    label = words.say("label-holder")
    if holder is None:
        return [(label, Text(words.say("not-known")))]
    if holder.protected:
        return [(label, Text(words.say("holder-protected"), style=CAUTION))]
    rows: list[Row] = [(label, outside(holder.display_name or words.say("not-known"), HEADING))]
    for key, value in (
        ("hsa-id", holder.hsa_id),
        ("personal-identity-number", holder.personal_identity_number),
        ("organization", holder.organization),
    ):
        if value:
            rows.append((words.say(f"label-{key}"), outside(value)))
    return rows
