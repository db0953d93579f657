"""The options that several commands have."""

from typing import Any

import click

from sithsd.cli.invocation import Invocation
from sithsd.cli.speech import SpokenOption
from sithsd.cli.words import LANGUAGES, Words
from sithsd.client import IdentityKind, Require, SignatureAlgorithm
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

    def signing(self) -> list[click.Option]:
        """Return the options of the commands that have a key of the card sign."""
        kinds = [kind.value for kind in IdentityKind if kind is not IdentityKind.NONE]
        demands = [demand.value for demand in Require if demand is not Require.NOTHING]
        return [
            self.make("--identity", type=click.Choice(kinds)),
            self.make("--certificate", metavar="SHA256", type=_Hexadecimal(64)),
            self.make("--algorithm", metavar="NAME", type=click.Choice([one.value for one in SignatureAlgorithm])),
            self.make(
                "--require",
                metavar="LEVEL",
                type=click.Choice(demands),
                default=Require.GOOD_OR_REVOCATION_UNCHECKED.value,
            ),
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

    def digest(self) -> click.Option:
        """Return --digest HEX."""
        lengths = {2 * algorithm.digest_length for algorithm in SignatureAlgorithm}
        return self.make("--digest", metavar="HEX", type=_Hexadecimal(*lengths))

    def unmasked(self) -> click.Option:
        """Return --unmasked."""
        return self.make("--unmasked", is_flag=True)
