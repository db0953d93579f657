"""What went wrong, as this program tells it: by name to scripts, in sentences to people."""

from collections.abc import Sequence
from typing import Any

from sithsd.api.wire import Choice, ErrorParameters, to_json
from sithsd.cli.plain import plain
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode, SithsdError

# Words for a card operation of which nobody knows how it ended.
LOST = "error-lost"
_SHOWN_IN_SECONDS = 90
# How the daemon begins, as it never knows which program holds the card; and how it goes on where several may.
_PERHAPS = "perhaps "
_ONE_OF = "one of "


class CommandError(Exception):
    """A command that did not do what it was asked.

    `parameters` are those of an error of the daemon's interfaces, also where this program itself refuses. `readers`
    names the readers that a person may choose from. `key` and `sentence` stand in for the sentence that belongs to the
    code; `lines` follow it, in place of what the names in `rules` would be called.
    """

    def __init__(
        self,
        parameters: ErrorParameters,
        *,
        readers: Sequence[str] = (),
        key: str | None = None,
        sentence: str | None = None,
        lines: Sequence[str] = (),
    ) -> None:
        super().__init__(parameters.code, parameters.detail)
        self.parameters = parameters
        self.readers = tuple(readers)
        self.key = key
        self.sentence = sentence
        self.lines = tuple(lines)


def parameters(
    code: ErrorCode | str, detail: str, *, tries_left: int | None = None, role: str | None = None
) -> ErrorParameters:
    """Return the parameters of an error that this program itself found; `detail` is English, without any code."""
    retryable = isinstance(code, ErrorCode) and SithsdError(code, detail).retryable
    return ErrorParameters(code=str(code), retryable=retryable, tries_left=tries_left, role=role, detail=detail)


def failure(
    code: ErrorCode | str, detail: str, *, tries_left: int | None = None, role: str | None = None
) -> CommandError:
    """Return the same as an exception."""
    return CommandError(parameters(code, detail, tries_left=tries_left, role=role))


def failure_json(found: CommandError) -> dict[str, Any]:
    """Return `{"error": {"code", "triesLeft", "retryable", ...}}`; other fields only where they are known."""
    always = {"code", "triesLeft", "retryable"}
    fields = to_json(found.parameters)
    error = {name: value for name, value in fields.items() if name in always or value not in (None, "", [])}
    if found.readers:
        error["readers"] = list(found.readers)
    return {"error": error}


def failure_sentences(found: CommandError, words: Words) -> list[str]:
    """Return lines for a person: what is wrong, and what can be done about it."""
    given = found.parameters
    if found.sentence is not None:
        return [found.sentence]
    tries = "unknown" if given.tries_left is None else given.tries_left
    key = found.key or _key(given, words)
    values: dict[str, str | int] = {"role": given.role or "none", "triesLeft": tries}
    if given.holder:
        values["holder"] = program_names(given.holder)
    lines = [words.say(key or "error-unknown", **values)]
    if key is None:
        lines.append(words.say("error-name", name=given.code))
    if given.advice:
        lines.append(words.name("advice", given.advice))
    lines += found.lines or _rules(given, words)
    lines += [_choice(one, words) for one in given.choices]
    lines += [words.say("error-done", role=role) for role in given.done]
    if given.retry_after is not None:
        lines.append(retry_sentence(given.retry_after, words))
    if found.readers:
        lines.append(words.say("error-readers", readers=", ".join(found.readers)))
    return lines


def _rules(given: ErrorParameters, words: Words) -> list[str]:
    """Return what was not kept, or (of a certificate that is bad) the reasons of its verdict, a line each."""
    if given.code == ErrorCode.CERTIFICATE_BAD:
        return [words.name("reason", reason) for reason in given.rules]
    return [words.say("error-rule", rule=words.name("rule", rule)) for rule in given.rules]


def _choice(one: Choice, words: Words) -> str:
    """Return a certificate to choose from in one line."""
    return words.say(
        "error-choice",
        identity=words.name("identity", one.identity),
        subject=plain(one.subject),
        notAfter=one.not_after[:10],
        fingerprint=one.fingerprint,
    )


def program_names(holder: str) -> str:
    """Return the names of the programs that may hold a card, without the daemon's English words around them."""
    return holder.removeprefix(_PERHAPS).removeprefix(_ONE_OF)


def retry_sentence(seconds: int, words: Words) -> str:
    """Return when it is worth to ask again: in seconds up to a minute and a half, then in whole minutes, rounded up."""
    if seconds <= _SHOWN_IN_SECONDS:
        return words.say("error-retry-seconds", count=max(seconds, 1))
    return words.say("error-retry-minutes", count=-(-seconds // 60))


def _key(given: ErrorParameters, words: Words) -> str | None:
    """Return the key of an error's sentence: one that leaves room for an advice or the holder's name, where told."""
    key = words.key("error", given.code)
    several = bool(given.holder and given.holder.removeprefix(_PERHAPS).startswith(_ONE_OF))
    for variant, told in (("advised", given.advice), ("oneHolds", several), ("held", given.holder)):
        if key is not None and told and words.has(f"{key}-{variant}"):
            return f"{key}-{variant}"
    return key


class StoppedError(Exception):
    """The person stopped, before anything was sent to a card."""
