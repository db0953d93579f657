"""click, speaking our languages and keeping quiet about what was typed.

click's own messages quote the words of the command line. A code that somebody typed there by mistake would then stand
on the screen and in logs, so errors name options and nothing else.
"""

import re
from collections.abc import Callable
from typing import Any

import click

from sithsd.cli.words import Words

PROGRAM = "sithsctl"

# What may be quoted of an option that does not exist: letters, as options are made of.
_HARMLESS_OPTION = re.compile(r"--?[a-z]+(-[a-z]+)*")


class _Formatter(click.HelpFormatter):
    def __init__(self, words: Words, ctx: click.Context) -> None:
        super().__init__(width=ctx.terminal_width, max_width=ctx.max_content_width)
        self._words = words

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or f"{self._words.say('usage-prefix')} ")

    def write_heading(self, heading: str) -> None:
        key = f"help-{heading.lower()}"
        super().write_heading(self._words.say(key) if heading in {"Options", "Commands"} else heading)


class SpokenOption(click.Option):
    """An option whose help says "required" in the language at hand."""

    def __init__(self, *args: Any, words: Words, **settings: Any) -> None:  # noqa: ANN401 - click's own parameters
        super().__init__(*args, **settings)
        self._words = words

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return click's record without its English extras."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        return record[0], f"{self.help}  [{self._words.say('help-required')}]" if self.required else self.help or ""


class _Spoken(click.Command):
    def __init__(self, *args: Any, words: Words, **settings: Any) -> None:  # noqa: ANN401 - click's own parameters
        settings["options_metavar"] = words.say("usage-options")
        super().__init__(*args, **settings)
        self.words = words

    def get_help(self, ctx: click.Context) -> str:
        formatter = self._formatter(ctx)
        self.format_help(ctx, formatter)
        return formatter.getvalue().rstrip("\n")

    def get_usage(self, ctx: click.Context) -> str:
        formatter = self._formatter(ctx)
        self.format_usage(ctx, formatter)
        return formatter.getvalue().rstrip("\n")

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = self.words.say("help-help")
        return option

    def _formatter(self, ctx: click.Context) -> _Formatter:
        return _Formatter(self.words, ctx)


class SpokenCommand(_Spoken):
    """A command with its usage and help in the language at hand."""


class SpokenGroup(_Spoken, click.Group):
    """A group of commands, its epilog written by `write_epilog` as a table instead of wrapped text."""

    def __init__(self, *args: Any, write_epilog: Callable[[click.HelpFormatter], None], **settings: Any) -> None:  # noqa: ANN401 - click's own parameters
        super().__init__(*args, **settings)
        self._write_epilog = write_epilog

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order in which they were added."""
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write what stands under the lists of options and commands."""
        self._write_epilog(formatter)


def usage_sentence(error: click.UsageError, words: Words) -> str:
    """Return what is wrong with the command line, and where help is, without a word of what was typed."""
    command = error.ctx.command_path if error.ctx else PROGRAM
    return words.say("usage-error", sentence=_sentence(error, words), command=command)


def _sentence(error: click.UsageError, words: Words) -> str:
    if isinstance(error, click.NoSuchOption):
        if _HARMLESS_OPTION.fullmatch(error.option_name):
            return words.say("usage-no-such-option-named", option=error.option_name)
        return words.say("usage-no-such-option")
    if isinstance(error, click.BadParameter) and error.param is not None:
        return _parameter_sentence(error, error.param, words)
    if isinstance(error, click.BadOptionUsage):
        return words.say("usage-option-arguments", option=error.option_name)
    unknown_command = error.ctx is not None and isinstance(error.ctx.command, click.Group)
    return words.say("usage-no-such-command" if unknown_command else "usage-extra")


def _parameter_sentence(error: click.BadParameter, parameter: click.Parameter, words: Words) -> str:
    option = parameter.opts[0]
    if isinstance(error, click.MissingParameter):
        return words.say("usage-missing", option=option)
    if isinstance(parameter.type, click.Choice):
        return words.say("usage-bad-choice", option=option, choices=", ".join(map(str, parameter.type.choices)))
    return words.say("usage-bad-value", option=option)
