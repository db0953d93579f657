"""What sithsd-sim offers around the authorities: the responder, its faults, revoking, and a desk's renewal."""

import signal
import sys
import threading
from datetime import timedelta
from typing import Final

import click

from sithsd.clock import Clock
from sithsd.simulator import fixture, options
from sithsd.simulator.control import ControlError, NotServingError, State, ask
from sithsd.simulator.publisher import Manner
from sithsd.simulator.register import Act, Reason, RegisterError
from sithsd.simulator.renewal import Renewal
from sithsd.simulator.reply_faults import FaultPlan, ReplyFault, ReplyKind
from sithsd.simulator.responder import Responder, ResponderError
from sithsd.simulator.shelf import Shelf

_NONE: Final = "none"
_certificates = click.option(
    "--certificate",
    "which",
    type=click.IntRange(1),
    multiple=True,
    help="One of the card's certificates, counted from 1; may be repeated. [default: all]",
)


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="[default: the one that the certificates name]")
@click.option("--direct", is_flag=True, help="The authorities sign OCSP responses themselves, without a delegate.")
@click.option("--no-nonce", is_flag=True, help="No nonce comes back, as of responses that were made in advance.")
@click.option("--deltas", is_flag=True, help="Lists stay as they are for half their life, with deltas beside them.")
@click.option(
    "--ocsp-minutes", type=click.FloatRange(0.05, 10**5), default=60, show_default=True, help="Until nextUpdate."
)
@click.option("--crl-minutes", type=click.FloatRange(0.05, 10**6), default=1440, show_default=True, help="Likewise.")
@options.now
@click.pass_obj
def responder(  # noqa: PLR0913 - a command's parameters are its options
    places: options.Places,
    *,
    port: int | None,
    direct: bool,
    no_nonce: bool,
    deltas: bool,
    ocsp_minutes: float,
    crl_minutes: float,
    clock: Clock | None,
) -> None:
    """Serve, in the foreground, what simulated certificates name: lists of the revoked, OCSP, issuers' certificates.

    On 127.0.0.1 only; prints the URL when it listens. What `revoke` and `renew` do is seen at once.
    """
    manner = Manner(
        delegated=not direct,
        nonce=not no_nonce,
        deltas=deltas,
        ocsp_lifetime=timedelta(minutes=ocsp_minutes),
        crl_lifetime=timedelta(minutes=crl_minutes),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with Responder(Shelf(places.state).pki, port=port, clock=clock, manner=manner) as serving:
            click.echo(serving.url)
            threading.Event().wait()
    except (ResponderError, OSError) as error:
        raise click.ClickException(str(error)) from None


@click.command()
@click.argument("name")
@_certificates
@click.option(
    "--reason",
    type=click.Choice([each.value for each in Reason]),
    default=Reason.UNSPECIFIED.value,
    show_default=True,
    help="Why, by RFC 5280.",
)
@click.option("--hold", is_flag=True, help="Revoke for the time being.")
@click.option("--release", is_flag=True, help="Lift a hold.")
@click.option("--issuers", is_flag=True, help="Revoke those who issued the certificates, in place of these.")
@options.now
@click.pass_obj
def revoke(  # noqa: PLR0913 - a command's parameters are its options
    places: options.Places,
    name: str,
    *,
    which: tuple[int, ...],
    reason: str,
    hold: bool,
    release: bool,
    issuers: bool,
    clock: Clock | None,
) -> None:
    """Revoke certificates of the card NAME, which stays as it is. Prints which."""
    if (hold and release) or ((hold or release) and reason != Reason.UNSPECIFIED):
        raise click.UsageError("a hold has no reason but itself, and is lifted by --release alone")
    act = Act.HELD if hold else Act.RELEASED if release else Act.REVOKED
    try:
        labels = Shelf(places.state, clock).revoke(
            name, act, reason=Reason(reason), which=which or None, issuers=issuers
        )
    except (fixture.FixtureError, RegisterError, OSError) as error:
        raise click.ClickException(str(error)) from None
    for label in labels:
        click.echo(f"{act.value}: {label}")


@click.command()
@click.argument("name")
@_certificates
@click.option("--same-keys", is_flag=True, help="Certify the keys that are there. [default: new keys]")
@click.option(
    "--keep-last-update", is_flag=True, help="Leave lastUpdate of EF.TokenInfo as it is, which no desk should."
)
@options.now
@click.pass_obj
def renew(  # noqa: PLR0913 - a command's parameters are its options
    places: options.Places,
    name: str,
    *,
    which: tuple[int, ...],
    same_keys: bool,
    keep_last_update: bool,
    clock: Clock | None,
) -> None:
    """Put new certificates, valid from today, on the card NAME, as a desk does; codes and counters stay."""
    try:
        inserted = ask(places.runtime, State()).inserted
    except NotServingError:
        inserted = {}
    except ControlError as error:
        raise click.ClickException(str(error)) from None
    renewal = Renewal(which or None, same_keys=same_keys, keep_last_update=keep_last_update)
    try:
        if fixture.name_of(name) in inserted.values():
            raise click.ClickException(f"{name} is in a reader: take it out first")
        Shelf(places.state, clock).renew_certificates(name, renewal)
    except (fixture.FixtureError, OSError) as error:
        raise click.ClickException(str(error)) from None


@click.command()
@click.argument("kind", type=click.Choice([_NONE, *(each.value for each in ReplyKind)]))
@click.option("--path", default="*", show_default=True, help="Only replies to paths that fit this pattern.")
@click.option("--seconds", type=click.FloatRange(0, 600), default=5, show_default=True, help="How slow, or dripping.")
@click.option("--also", is_flag=True, help="Besides what was said before. [default: in its place]")
@click.pass_obj
def spoil(places: options.Places, kind: str, *, path: str, seconds: float, also: bool) -> None:
    """Have the responder's replies be wrong in some way from now on; `none` makes them right again."""
    plan = FaultPlan(Shelf(places.state).pki.folder)
    before = plan.read() if also else ()
    plan.write(*before, *([] if kind == _NONE else [ReplyFault(kind=ReplyKind(kind), path=path, seconds=seconds)]))


COMMANDS: Final = (responder, revoke, renew, spoil)
"""The commands, for the program to add."""
