"""The options that several commands have."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from sithsd.cli.invocation import Invocation
from sithsd.cli.speech import SpokenOption
from sithsd.cli.words import LANGUAGES, Words
from sithsd.client import IdentityKind, Purpose, Require, SignatureAlgorithm
from sithsd.client.orders import LONGEST_DESCRIPTION


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


class _Hexadecimal(click.ParamType):  # type: ignore[type-arg]  # generic in new releases of click alone
    """Hexadecimal digits, in lower case; colons and blanks between them, as openssl and people write, are left out."""

    name = "hexadecimal"

    def __init__(self, *lengths: int) -> None:
        self._lengths = lengths

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's own signature
        digits = str(value).replace(":", "").replace(" ", "").lower()
        if len(digits) not in self._lengths or not set(digits) <= set("0123456789abcdef"):
            self.fail("not such a hash", param, ctx)
        return digits


class _Description(click.ParamType):  # type: ignore[type-arg]  # as above
    """What a person is shown, as the audit takes it."""

    name = "description"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's own signature
        if not 1 <= len(value) <= LONGEST_DESCRIPTION or not value.isprintable():
            self.fail("no description", param, ctx)
        return str(value)


class _Address(click.ParamType):  # type: ignore[type-arg]  # as above
    """Where a program listens: a scheme, a host and a port."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's own signature
        if re.fullmatch(r"(?:tcp|tls)://[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}", value) is None:
            self.fail("no address", param, ctx)
        return str(value)


class _SwedishMoment(click.ParamType):  # type: ignore[type-arg]  # as above
    """A day, which is its first moment, or a moment in ISO 8601; in Sweden where it has no offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's own signature
        try:
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo("Europe/Stockholm"))).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("no moment", param, ctx)


class Options:
    """Makes options, with their help in the language at hand."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def make(
        self,
        name: str,
        *,
        into: str | None = None,
        help_key: str | None = None,
        short: str | None = None,
        **settings: Any,  # noqa: ANN401 - click's own parameters
    ) -> click.Option:
        """Return the option `name` ("--reader") with any of click's settings; `into` names its parameter."""
        text = self._words.say(f"help-option-{help_key or name.removeprefix('--')}")
        names = [one for one in (short, name, into) if one]
        return SpokenOption(names, words=self._words, help=text, **settings)

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

    def signing(self, purpose: Purpose) -> list[click.Option]:
        """Return the options of the command that has the card's key for this purpose sign."""
        kinds = [kind.value for kind in IdentityKind if kind is not IdentityKind.NONE]
        demands, usual = [one.value for one in Require if one is not Require.NOTHING], Require.usual(purpose)
        return [
            self.make("--identity", type=click.Choice(kinds)),
            self.make("--certificate", metavar="SHA256", type=_Hexadecimal(64)),
            self.make("--algorithm", metavar="NAME", type=click.Choice([one.value for one in SignatureAlgorithm])),
            self.make("--require", metavar="LEVEL", type=click.Choice(demands), default=usual.value),
            self.make("--accept-bad", is_flag=True),
            self.make("--description", metavar="TEXT", type=_Description()),
            self.make("--out", metavar="FILE", type=click.Path()),
            self.make("--force", is_flag=True),
            self.reader(),
            self.code_fd("code-fd"),
            self.make("--pin-pad", is_flag=True),
            self.spend_last_try(),
            self.make("--card-serial", metavar="SERIAL"),
            self.make("--expected-tries", metavar="N", type=click.IntRange(min=0)),
        ]

    def inputs(self) -> click.Argument:
        """Return INPUT..., at least one file."""
        return click.Argument(
            ["inputs"], nargs=-1, required=True, type=click.Path(), metavar=self._words.say("usage-report-input")
        )

    def report(self) -> list[click.Option]:
        """Return the options of the manager's report."""
        file = click.Path()
        return [
            self.make("--output", short="-o", help_key="report-output", metavar="FILE", type=file),
            *(self.make(f"--{name}", metavar="FILE", type=file) for name in ("csv", "parquet", "ics", "rejects")),
            self.make("--force", help_key="report-force", is_flag=True),
            self.make("--at", metavar="DATE", type=_SwedishMoment()),
            self.make("--warn-days", metavar="N", type=click.IntRange(1, 3650), default=60),
            self.make("--settings", metavar="FILE", type=file),
            self.make("--anchors", metavar="FILE", type=file, multiple=True),
            self.make("--issuers", metavar="FILE", type=file, multiple=True),
            self.make("--crl", into="lists", metavar="FILE", type=file, multiple=True),
            self.make("--freezes", metavar="FILE", type=file),
            self.make("--jobs", metavar="N", type=click.IntRange(1, 256)),
            self.make("--cluster", metavar="ADDRESS", type=_Address()),
            self.make("--quiet", is_flag=True),
        ]

    def digest(self) -> click.Option:
        """Return --digest HEX."""
        lengths = {2 * algorithm.digest_length for algorithm in SignatureAlgorithm}
        return self.make("--digest", metavar="HEX", type=_Hexadecimal(*lengths))

    def unmasked(self) -> click.Option:
        """Return --unmasked."""
        return self.make("--unmasked", is_flag=True)
