"""The options that several commands have."""

from typing import Any

import click

from sithsd.cli.invocation import Invocation
from sithsd.cli.speech import SpokenOption
from sithsd.cli.words import LANGUAGES, Words


def _run(context: click.Context) -> Invocation:
    run = context.find_object(Invocation)
    if run is None:
        raise RuntimeError("a command without an Invocation")
    return run


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        _run(context).as_json = True


def _set_folder(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        _run(context).folder = value


class Options:
    """Makes options, with their help in the language at hand."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def make(self, name: str, *, into: str | None = None, help_key: str | None = None, **settings: Any) -> click.Option:  # noqa: ANN401 - click's own parameters
        """Return the option `name` ("--reader") with any of click's settings; `into` names its parameter."""
        text = self._words.say(f"help-option-{help_key or name.removeprefix('--')}")
        return SpokenOption([name, into] if into else [name], words=self._words, help=text, **settings)

    def everywhere(self, *, hidden: bool) -> list[click.Option]:
        """Return the options that stand before or after the command; `hidden` keeps the rarer out of its help."""
        return [
            self.make("--json", is_flag=True, expose_value=False, callback=_set_json, is_eager=True),
            self.make("--runtime-dir", metavar="DIR", expose_value=False, callback=_set_folder, hidden=hidden),
            # Decided on before the commands are made, since their help is in that language too.
            self.make("--lang", type=click.Choice(LANGUAGES), expose_value=False, hidden=hidden),
        ]

    def reader(self) -> click.Option:
        """Return --reader NAME."""
        return self.make("--reader", metavar="NAME")

    def code_fd(self, help_key: str) -> click.Option:
        """Return --code-fd N."""
        return self.make("--code-fd", help_key=help_key, metavar="N", type=click.IntRange(min=0))

    def spend_last_try(self) -> click.Option:
        """Return --spend-last-try."""
        return self.make("--spend-last-try", is_flag=True)

    def risk_card(self) -> click.Option:
        """Return --risk-card."""
        return self.make("--risk-card", is_flag=True)

    def unmasked(self) -> click.Option:
        """Return --unmasked."""
        return self.make("--unmasked", is_flag=True)
