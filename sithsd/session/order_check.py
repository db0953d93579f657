"""What of an order can be refused before the card is touched: rights, the rules for new PINs, the checklist."""

from collections.abc import Iterator

from sithsd.card import encoding
from sithsd.card.model import CardContents
from sithsd.card.profile import Unblocking
from sithsd.clock import Clock
from sithsd.errors import ErrorCode, More, SithsdError
from sithsd.policy import checklist, new_code
from sithsd.policy.model import Policy
from sithsd.secret import Secret
from sithsd.session.model import InsertedCard
from sithsd.session.orders import ActivateOrder, Asker, ChangeOrder, Order, UnblockOrder, at_pad
from sithsd.session.tools import Held
from sithsd.values import Role


def check(order: Order, held: Held, asker: Asker, policy: Policy, clock: Clock) -> tuple[str, ...]:
    """Return the rules for new PINs that the order breaks and the policy only warns of.

    Raises pinpad.absent, unblock.deskOnly, activation.checklist, pin.refused; `more.rules` names the items or rules.
    New PINs that are entered at a reader's pad are not seen here.
    """
    if not policy.pin_pad.enabled and at_pad(order):
        raise SithsdError(ErrorCode.PINPAD_ABSENT, "PIN pads are not used here, by the policy")
    if isinstance(order, UnblockOrder | ActivateOrder):
        _check_right(held, asker, order)
    if isinstance(order, ActivateOrder):
        _check_list(order, policy, clock)
    warnings: list[str] = []
    for role, new, old, other in _new_codes(order):
        shortest, longest = _lengths(held.read.contents, role)
        findings = new_code.check(
            new,
            old=old,
            other=other,
            personal_numbers=personal_numbers(held.card),
            rules=policy.new_code,
            shortest=shortest,
            longest=longest,
        )
        if refused := new_code.refused(findings):
            error = SithsdError(ErrorCode.PIN_REFUSED, "the new PIN breaks a rule; the card was not touched", role=role)
            error.more = More(rules=tuple(str(rule) for rule in refused))
            raise error
        warnings += [str(rule) for rule in new_code.warned(findings)]
    return tuple(dict.fromkeys(warnings))


def personal_numbers(card: InsertedCard) -> list[str]:
    """Return the holder's personal identity numbers, as the card's certificates tell them."""
    numbers = (entry.certificate.personal_identity_number for entry in card.certificates)
    return list(dict.fromkeys(number.reveal() for number in numbers if number is not None))


def new_code_lengths(policy: Policy, contents: CardContents) -> tuple[int, int]:
    """Return how many digits a new PIN of this card has, at least and at most: what every PIN of it takes."""
    bounds = [encoding.bounds(code) for code in contents.codes if code.role is not Role.PUK]
    shortest = max((least for least, _ in bounds), default=None)
    longest = min((most for _, most in bounds), default=None)
    return new_code.lengths(policy.new_code, shortest, longest)


def _lengths(contents: CardContents, role: Role) -> tuple[int | None, int | None]:
    code = contents.code(role)
    return (None, None) if code is None else encoding.bounds(code)


def _new_codes(order: Order) -> Iterator[tuple[Role, Secret, Secret | None, Secret | None]]:
    """Yield each new PIN with its role, its present value and the card's other new PIN, as far as they are known."""
    if isinstance(order, ChangeOrder):
        if order.new_code is not None:
            yield order.role, order.new_code, order.code, None
    elif isinstance(order, UnblockOrder):
        if order.new_code is not None:
            yield order.role, order.new_code, None, None
    elif isinstance(order, ActivateOrder):
        for role, new in order.new_codes.items():
            other = next((code for one, code in order.new_codes.items() if one is not role), None)
            yield role, new, order.transport.get(role), other


def _check_right(held: Held, asker: Asker, order: Order) -> None:
    profile = held.read.identified.profile
    if profile.unblocking is Unblocking.DESK and not asker.desk:
        role = order.role if isinstance(order, UnblockOrder) else None
        raise SithsdError(ErrorCode.UNBLOCK_DESK_ONLY, "a desk operator does this with cards of this kind", role=role)
    if isinstance(order, ActivateOrder) and not asker.desk:
        # The checklist is asked of the holder by somebody else.
        raise SithsdError(ErrorCode.REQUEST_DENIED, "only a desk operator activates cards")


def _check_list(order: ActivateOrder, policy: Policy, clock: Clock) -> None:
    items = policy.activation.checklist
    unknown = order.answers.keys() - {item.id for item in items}
    if unknown:
        # An answer to no question may be anything, also a number that is not to be kept.
        raise SithsdError(ErrorCode.REQUEST_INVALID, "answers: there is no such item in the checklist")
    open_items = checklist.open_items(items, order.answers, checklist.today_in_sweden(clock))
    if open_items:
        error = SithsdError(ErrorCode.ACTIVATION_CHECKLIST, "the checklist is not fulfilled; the card was not touched")
        error.more = More(rules=open_items)
        raise error
