"""Commands that have a key of the card sign: authenticate and sign.

They ask for the PIN as `sithsd.cli.commands.spend` does; at a terminal the person also sees what is signed, and by
which certificate, before. The call then names that very certificate. What comes back is checked by the library for
log-in clients, before anything of it is shown or written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sithsd.api.message import error_parameters
from sithsd.cli.code_entry import read_code
from sithsd.cli.commands.certificate_choice import Wish, certificate_shown, not_good_enough
from sithsd.cli.commands.spend import ASK_AGAIN, ask_code, send, show_refusal, unusable_pin
from sithsd.cli.commands.target import Said, codes_now, confirmed, place_shown, refuse_other, show_codes
from sithsd.cli.daemon import JsonObject
from sithsd.cli.failure import CommandError, StoppedError, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.plain import REPLACEMENT, plain
from sithsd.cli.replies import read
from sithsd.cli.signed_files import check_target, hash_file, read_challenge, write_signature
from sithsd.cli.terminal import Terminal, has_terminal, own_terminal
from sithsd.cli.views.signatures import signature_view
from sithsd.client import (
    Authentication,
    Options,
    Require,
    RequirementError,
    Signature,
    SignatureAlgorithm,
    SithsdError,
)
from sithsd.client.orders import LONGEST_DESCRIPTION, Order, authentication, signing
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.values import Purpose, Role


@dataclass(frozen=True)
class Wanted:
    """What the command line says. `code_fd` is where the PIN comes from, None for the terminal or the pad."""

    reader: str | None
    identity: str | None
    certificate: str | None
    algorithm: str | None
    require: str
    accept_bad: bool
    code_fd: int | None
    pin_pad: bool
    spend_last_try: bool
    card_serial: str | None
    expected_tries: int | None
    out: str | None
    force: bool

    @property
    def demand(self) -> Require:
        """How good the verdict on the certificate has to be."""
        return Require.NOTHING if self.accept_bad else Require(self.require)

    def options(self) -> Options:
        """Return the same for the library, without the code."""
        return {
            "pin_pad": self.pin_pad,
            "identity": self.identity,  # type: ignore[typeddict-item]  # one of click's choices
            "certificate": self.certificate,
            "algorithm": self.algorithm,
            "require": self.demand,
            "reader": self.reader,
            "card_serial": self.card_serial,
            "expected_tries": self.expected_tries,
            "spend_last_try": self.spend_last_try,
        }


@dataclass(frozen=True)
class Matter:
    """What is signed: the code it takes, the lines that the person is shown, and the order to be made of it."""

    purpose: Purpose
    role: Role
    shown: Sequence[tuple[str, str]]
    order: Callable[[Options], Order[Any]]


def authenticate(
    invocation: Invocation, wanted: Wanted, *, challenge_file: str | None, description: str | None
) -> None:
    """Have the card prove that it has the key of an authentication certificate, with its PIN."""
    challenge = None if challenge_file is None else read_challenge(challenge_file)
    shown = [] if description is None else [("description", plain(description))]
    if challenge is not None:
        shown.append(("challenge", invocation.words.say("file-bytes", count=len(challenge))))

    def order(options: Options) -> Order[Authentication]:
        return authentication(challenge, description, options)

    _perform(invocation, wanted, Matter(Purpose.AUTHENTICATION, Role.AUTHENTICATION, shown, order))


def sign(
    invocation: Invocation, wanted: Wanted, *, file: str | None, digest: str | None, description: str | None
) -> None:
    """Sign a file's hash, or one that was made elsewhere, with the signature key."""
    shown: list[tuple[str, str]] = []
    if file is not None and digest is None:
        algorithm = SignatureAlgorithm(wanted.algorithm or SignatureAlgorithm.RSA_PKCS1_SHA256)
        hashed = hash_file(file, algorithm.hash_name)
        given = hashed.digest
        shown.append(("file", f"{plain(hashed.name)}, {invocation.words.say('file-bytes', count=hashed.size)}"))
        described = description or _described(hashed.name)
        if wanted.out is None and not invocation.as_json:
            wanted = replace(wanted, out=f"{file}.sig")
    elif digest is None or file is not None:
        raise _usage("usage-what-to-sign", "one of a file and a hash")
    elif description is None:
        raise _usage("usage-no-description", "a hash without a description")
    elif wanted.out is None and not invocation.as_json:
        raise _usage("usage-no-out", "a hash without a file for its signature")
    else:
        given, described = bytes.fromhex(digest), description
    shown += [("digest", given.hex()), ("description", plain(described))]

    def order(options: Options) -> Order[Signature]:
        return signing(given, described, options)

    _perform(invocation, wanted, Matter(Purpose.SIGNATURE, Role.SIGNATURE, shown, order))


def _described(name: str) -> str:
    """Return a file's name as the audit takes it."""
    return "".join(letter if letter.isprintable() else REPLACEMENT for letter in name)[:LONGEST_DESCRIPTION]


def _perform(invocation: Invocation, wanted: Wanted, matter: Matter) -> None:
    if wanted.code_fd is not None and wanted.pin_pad:
        raise _usage("usage-two-places", "codes from two places")
    if wanted.out is not None:
        check_target(wanted.out, force=wanted.force)
    if wanted.code_fd is not None or (wanted.pin_pad and not has_terminal()):
        code = None if wanted.code_fd is None else read_code(wanted.code_fd, matter.role)
        reply, got = _sent(invocation, matter, wanted.options(), code)
    else:
        with own_terminal() as terminal:
            reply, got = _at_terminal(invocation, terminal, wanted, matter)
    if wanted.out is not None:
        write_signature(wanted.out, got.signature, force=wanted.force)
    if invocation.as_json:
        invocation.output.json(reply)
    else:
        invocation.output.show(signature_view(got, invocation.words, written=wanted.out))


def _at_terminal(
    invocation: Invocation, terminal: Terminal, wanted: Wanted, matter: Matter
) -> tuple[JsonObject, Signature]:
    while True:
        try:
            options, code = _asked(invocation, terminal, wanted, matter)
        except (KeyboardInterrupt, EOFError) as stop:
            raise StoppedError from stop
        if code is None:
            terminal.say(invocation.words.say("pad-verify", role=matter.role))
        try:
            return _sent(invocation, matter, options, code)
        except CommandError as found:
            if found.parameters.code not in ASK_AGAIN:
                raise
            show_refusal(terminal, found, invocation.words)


def _asked(invocation: Invocation, terminal: Terminal, wanted: Wanted, matter: Matter) -> tuple[Options, Secret | None]:
    """Show card, matter and certificate, and ask for the PIN; return what is meant by then, and the PIN."""
    words = invocation.words
    place = place_shown(invocation, terminal, wanted.reader)
    for label, text in matter.shown:
        terminal.say(f"{words.say(f'label-{label}')}: {text}")
    wish = Wish(matter.purpose, wanted.identity, wanted.certificate, wanted.demand)
    certificate = certificate_shown(invocation, terminal, wish, place)
    states = {code.role: code for code in codes_now(invocation, place).codes}
    show_codes(terminal, words, (matter.role,), states)
    refusal = unusable_pin(matter.role, states)
    if refusal is not None:
        raise refusal
    state = states[matter.role]
    refuse_other(place, state, card_serial=wanted.card_serial, expected_tries=wanted.expected_tries)
    said = confirmed(terminal, words, matter.role, states, Said(spend_last_try=wanted.spend_last_try))
    code = None if wanted.pin_pad else ask_code(terminal, words, matter.role, state)
    options = wanted.options() | {
        "certificate": certificate.fingerprint,
        "reader": place.reader,
        "card_serial": place.card.serial,
        "expected_tries": state.tries_left,
        "spend_last_try": said.spend_last_try,
    }
    return options, code


def _sent(
    invocation: Invocation, matter: Matter, options: Options, code: Secret | None
) -> tuple[JsonObject, Signature]:
    """Return the daemon's reply as it came, and as it was found to be what was asked for."""
    if code is not None:
        options["code"] = code
    try:
        with matter.order(options) as order:
            reply = send(invocation, order.method, order.call, patience=order.patience)
            return reply, order.checked(read(reply, order.reply_type))
    except RequirementError as error:
        raise not_good_enough(error.verdict.reasons) from error
    except SithsdError as error:
        raise CommandError(error_parameters(error)) from error


def _usage(key: str, detail: str) -> CommandError:
    return CommandError(parameters(ErrorCode.REQUEST_INVALID, detail), key=key)
