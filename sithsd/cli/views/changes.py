"""The stream of changes, one readable line each."""

from rich.text import Text

from sithsd.cli.replies import Card, MonitorReply, Notice, Reader
from sithsd.cli.views.advice import short
from sithsd.cli.views.cards import holder_words
from sithsd.cli.views.certificates import in_order as by_purpose
from sithsd.cli.views.certificates import title_text, verdict_text
from sithsd.cli.views.codes import code_text, in_order
from sithsd.cli.views.notices import notice_line, notice_words
from sithsd.cli.words import Words


class Changes:
    """Turns replies of Monitor into lines. It remembers the picture before, to say what is new in the next."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._before: MonitorReply | None = None

    def lines(self, reply: MonitorReply) -> list[str]:
        """Return what a reply tells: the whole state first, then one line for each reader that changed."""
        before, self._before = self._before, reply
        lines = self._service(before, reply)
        known = {reader.name: reader for reader in before.readers} if before else {}
        # A notice says what is new of a reader that is otherwise as it was.
        noticed = {notice.reader for notice in reply.notices}
        for reader in reply.readers:
            old = known.pop(reader.name, None)
            if before is None or reader != old or (reader.name == reply.reader and reader.name not in noticed):
                lines.append(self._line(reader.name, self._told(reader, old, first=before is None)))
        lines += [self._line(name, self._words.say("monitor-gone")) for name in known]
        if not reply.readers and reply.service and not lines:
            lines.append(self._words.say("no-readers"))
        return lines + [self._notice(notice, old=before is None) for notice in reply.notices]

    def _notice(self, notice: Notice, *, old: bool) -> str:
        """Return a notice; one from before the stream with its own time."""
        if old:
            return notice_line(notice, self._words)
        return self._line(notice.reader, notice_words(notice, self._words))

    def _service(self, before: MonitorReply | None, reply: MonitorReply) -> list[str]:
        if reply.service == (before.service if before else True):
            return []
        return [self._words.say("monitor-service-back" if reply.service else "monitor-service-gone")]

    def _line(self, reader: str, what: str) -> str:
        return self._words.say("monitor-reader", reader=reader, what=what)

    def _told(self, reader: Reader, old: Reader | None, *, first: bool) -> str:
        told: list[str] = []
        if old is None and not first:
            told.append(self._words.say("monitor-appeared"))
        if old is not None and old.state not in {"empty", reader.state} and reader.state == "empty":
            told.append(self._words.say("monitor-removed"))
        elif old is None or old.state != reader.state:
            told.append(self._words.name("state", reader.state))
        old_card = old.card if old else None
        if reader.card is not None and (old_card is None or _identity(old_card) != _identity(reader.card)):
            told += self._card(reader.card)
        if reader.card is not None:
            told += self._codes(reader.card, old_card)
            told += self._verdicts(reader.card, old_card)
            known = old_card.advice if old_card else []
            told += [self._to_do(short(one, self._words)) for one in reader.card.advice if one not in known]
        return ", ".join(told) or self._words.say("monitor-updated")

    def _to_do(self, what: str) -> str:
        return f"{self._words.say('label-to-do')}: {what}"

    def _card(self, card: Card) -> list[str]:
        mark = self._words.key("environment-mark", card.environment)
        told = [f"*** {self._words.say(mark)} ***"] if mark else []
        return told + (holder_words(card.holder, self._words) or [self._words.name("kind", card.kind)])

    def _codes(self, card: Card, old: Card | None) -> list[str]:
        known = {code.role: code for code in old.codes} if old else {}
        return [
            self._words.say(
                "monitor-code",
                code=self._words.name("role", code.role),
                state=_plain(code_text(code, self._words)),
            )
            for code in in_order(card.codes)
            if code != known.get(code.role)
        ]

    def _verdicts(self, card: Card, old: Card | None) -> list[str]:
        """Return the verdicts that changed while the card stayed in; those of a card that came are told elsewhere."""
        known = {one.id: one.verdict for one in old.certificates} if old else {}
        return [
            self._words.say(
                "monitor-verdict",
                certificate=_plain(title_text(one, self._words)),
                verdict=_plain(verdict_text(one.verdict, self._words, one.evidence)),
            )
            for one in by_purpose(card.certificates)
            if one.id in known and one.verdict != known[one.id]
        ]


def _identity(card: Card) -> tuple[object, ...]:
    return card.serial, card.card_number, card.environment, card.kind, card.holder


def _plain(text: Text) -> str:
    return text.plain
