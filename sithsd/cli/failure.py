"""What went wrong, as this program tells it: by name to scripts, in sentences to people."""

from collections.abc import Sequence
from typing import Any

from sithsd.api.wire import ErrorParameters, to_json
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode, SithsdError

# Words for a card operation of which nobody knows how it ended.
LOST = "error-lost"


class CommandError(Exception):
    """A command that did not do what it was asked.

    `parameters` are those of an error of the daemon's interfaces, also where this program itself refuses. `readers`
    names the readers that a person may choose from. `key` and `sentence` stand in for the sentence that belongs to the
    code.
    """

    def __init__(
        self,
        parameters: ErrorParameters,
        *,
        readers: Sequence[str] = (),
        key: str | None = None,
        sentence: str | None = None,
    ) -> None:
        super().__init__(parameters.code, parameters.detail)
        self.parameters = parameters
        self.readers = tuple(readers)
        self.key = key
        self.sentence = sentence


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
    key = found.key or words.key("error", given.code)
    lines = [words.say(key or "error-unknown", role=given.role or "none", triesLeft=tries)]
    if key is None:
        lines.append(words.say("error-name", name=given.code))
    if found.readers:
        lines.append(words.say("error-readers", readers=", ".join(found.readers)))
    return lines


class StoppedError(Exception):
    """The person stopped, before anything was sent to a card."""
