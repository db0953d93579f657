"""The command line: which commands and options there are. Nothing is done here."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import click

from sithsd.cli import answers
from sithsd.cli.anchors import anchors_group
from sithsd.cli.audit import audit_group
from sithsd.cli.commands import activate, doctor, lock, look, monitor, prove, report, spend, ssh_agent
from sithsd.cli.commands.spend import Operation
from sithsd.cli.invocation import Invocation
from sithsd.cli.options import Options
from sithsd.cli.session import Action
from sithsd.cli.sightings import sightings_group
from sithsd.cli.speech import PROGRAM, SpokenCommand, SpokenGroup
from sithsd.cli.ssh.signing import Habits
from sithsd.cli.statuses import ExitStatus
from sithsd.cli.words import Words
from sithsd.values import Purpose, Role

# The PINs that a person can give; the PUK only serves them.
_PINS = (Role.AUTHENTICATION.value, Role.SIGNATURE.value)


def program(words: Words) -> click.Group:
    """Return the whole command line, its help in the language of `words`. It wants an `Invocation` as click's `obj`."""
    options = Options(words)
    group = SpokenGroup(
        PROGRAM,
        words=words,
        help=words.say("help-program"),
        subcommand_metavar=words.say("usage-commands"),
        write_epilog=lambda formatter: _write_epilog(formatter, words),
        invoke_without_command=True,
        callback=_without_command,
        params=[*options.everywhere(hidden=False), _version_option(words)],
    )
    for command in _commands(words, options):
        group.add_command(command)
    group.add_command(anchors_group(words, options))
    group.add_command(audit_group(words, options))
    group.add_command(sightings_group(words, options))
    return group


def _commands(words: Words, options: Options) -> list[click.Command]:
    def command(name: str, callback: Callable[..., int | None], *own: click.Parameter) -> click.Command:
        return SpokenCommand(
            name,
            words=words,
            help=words.say(f"help-{name}"),
            callback=click.make_pass_decorator(Invocation)(callback),
            params=[*own, *options.everywhere(hidden=True)],
        )

    reader, unmasked = options.reader(), options.unmasked()
    return [
        command("status", look.status, unmasked),
        command("monitor", monitor.monitor, unmasked),
        command("lock-on-removal", _lock_on_removal, *_removal_options(options)),
        command(
            "certificates",
            lambda invocation, **rest: look.certificates(invocation, look.Selection(**rest)),
            reader,
            options.make("--id", into="wanted_id", metavar="ID"),
            options.make("--purpose", type=click.Choice([purpose.value for purpose in Purpose])),
            options.make("--pem", is_flag=True),
            unmasked,
        ),
        command("validity", look.validity, reader, unmasked, options.make("--fresh", is_flag=True)),
        command("codes", look.codes, reader),
        command(
            "doctor",
            doctor.doctor,
            reader,
            options.make("--bundle", metavar="FILE", type=click.Path()),
            options.make("--identities", is_flag=True),
        ),
        command("verify", _spending(Operation.VERIFY), *_spending_options(options, "code-fd")),
        command("change", _spending(Operation.CHANGE), *_spending_options(options, "code-fds-change")),
        command("unblock", _spending(Operation.UNBLOCK), *_spending_options(options, "code-fds"), options.risk_card()),
        command(
            "authenticate",
            _proving(prove.authenticate, "challenge_file", "description"),
            options.make("--challenge-file", metavar="FILE", type=click.Path()),
            *options.signing(Purpose.AUTHENTICATION),
        ),
        command(
            "sign",
            _proving(prove.sign, "file", "digest", "description"),
            click.Argument(["file"], required=False, type=click.Path(), metavar="FILE"),
            options.digest(),
            *options.signing(Purpose.SIGNATURE),
        ),
        command(
            "activate",
            _activate,
            reader,
            options.code_fd("code-fds-activate"),
            options.make("--answers", into="answers_file", metavar="FILE", type=click.Path()),
            options.make("--answer", metavar="ID=ANSWER", multiple=True),
            options.spend_last_try(),
            options.risk_card(),
        ),
        command(
            "report",
            lambda invocation, **rest: report.report(invocation, report.Wanted(**rest)),
            options.inputs(),
            *options.report(),
        ),
        command(
            "ssh-agent",
            _ssh_agent,
            options.make("--socket", short="-a", into="path", metavar="PATH", type=click.Path()),
            options.make("--foreground", is_flag=True),
            options.make("--list", into="list_keys", help_key="list-keys", is_flag=True),
            options.make("--confirm", is_flag=True),
            options.make("--pin-pad", help_key="ssh-pin-pad", is_flag=True),
            click.Argument(["command"], nargs=-1, type=click.UNPROCESSED, metavar=f"[-- {words.say('usage-program')}]"),
        ),
    ]


def _removal_options(options: Options) -> list[click.Option]:
    actions = [action.value for action in Action]
    return [
        options.make("--card-serial", help_key="followed-card", metavar="SERIAL", envvar="SITHSD_CARD_SERIAL"),
        options.make("--action", type=click.Choice(actions), default="lock", envvar="SITHSD_REMOVAL_ACTION"),
        options.make(
            "--grace", metavar="SECONDS", type=click.IntRange(1, 3600), default=15, envvar="SITHSD_REMOVAL_GRACE"
        ),
        options.make("--session", metavar="ID"),
    ]


def _lock_on_removal(invocation: Invocation, action: str, **rest: Any) -> None:  # noqa: ANN401 - what the options above give
    lock.lock_on_removal(invocation, lock.Wanted(action=Action(action), **rest))


def _spending_options(options: Options, help_key: str) -> list[click.Option]:
    return [
        options.make("--role", type=click.Choice(_PINS), required=True),
        options.reader(),
        options.code_fd(help_key),
        options.make("--pin-pad", is_flag=True),
        options.spend_last_try(),
        options.make("--card-serial", metavar="SERIAL"),
        options.make("--expected-tries", metavar="N", type=click.IntRange(min=0)),
    ]


def _spending(operation: Operation) -> Callable[..., None]:
    def call(invocation: Invocation, role: str, **rest: Any) -> None:  # noqa: ANN401 - what the options above give
        spend.spend(invocation, spend.Wanted(role=Role(role), operation=operation, **rest))

    return call


def _proving(act: Callable[..., None], *own: str) -> Callable[..., None]:
    def call(invocation: Invocation, **given: Any) -> None:  # noqa: ANN401 - what the options above give
        act(invocation, **{name: given.pop(name) for name in own}, wanted=prove.Wanted(**given))

    return call


def _activate(invocation: Invocation, *, answers_file: str | None, answer: tuple[str, ...], **rest: Any) -> None:  # noqa: ANN401 - what the options above give
    activate.activate(invocation, activate.Wanted(answers=answers.given(answers_file, answer), **rest))


def _ssh_agent(invocation: Invocation, *, confirm: bool, pin_pad: bool, **rest: Any) -> int:  # noqa: ANN401 - what the options above give
    return ssh_agent.ssh_agent(invocation, ssh_agent.Wanted(habits=Habits(confirm, pin_pad), **rest))


@click.pass_context
def _without_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitStatus.USAGE)


def _version_option(words: Words) -> click.Option:
    def show(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            click.echo(f"{PROGRAM} {version('sithsd')}")
            context.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show, help=words.say("help-version")
    )


def _write_epilog(formatter: click.HelpFormatter, words: Words) -> None:
    formatter.write_paragraph()
    formatter.write(f"{words.say('help-epilog-statuses')}\n")
    with formatter.indentation():
        formatter.write_dl([(str(status.value), words.say(f"exit-{status.value}")) for status in ExitStatus])
    formatter.write_paragraph()
    formatter.write(f"{words.say('help-epilog-completion')}\n")
