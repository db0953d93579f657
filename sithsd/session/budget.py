"""How many wrong codes may go to cards through us, whatever the client: a budget for each user and for each card.

Belongs to the asyncio loop's thread.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from math import ceil

from sithsd.errors import ErrorCode, More, SithsdError
from sithsd.policy.model import Budget as Terms

# Users and cards whose wrong codes are remembered: more than a machine sees in the longest window.
_MOST_KEPT = 4096


@dataclass(slots=True)
class _Account:
    wrong: deque[float] = field(default_factory=deque)
    open: int = 0


class Budget:
    """Counts wrong codes by user and by card over the last minutes, as the policy says.

    An operation that is under way counts as if it were wrong, until it is known to be right: many at once get no
    further than one after the other. `tell_seconds` is a clock that only goes on.
    """

    def __init__(self, terms: Terms, tell_seconds: Callable[[], float] = time.monotonic) -> None:
        self._terms = terms
        self._tell_seconds = tell_seconds
        self._accounts: dict[Hashable, _Account] = {}

    def reserve(self, uid: int, serial: str | None) -> "Reservation":
        """Return leave to send codes for this user to this card (None: a card without a serial number).

        Raises request.tooManyWrong, which tells after how many seconds the oldest wrong code counts no more, and
        reader.busy if what is left of the budget is taken by operations under way.
        """
        now = self._tell_seconds()
        mine, cards = self._account(("uid", uid), now), self._account(("card", serial), now)
        terms = self._terms
        for account, most, whose in (
            (mine, terms.wrong_codes_per_user, "by this user"),
            (cards, terms.wrong_codes_per_card, "for this card"),
        ):
            if len(account.wrong) >= most:
                rest = account.wrong[0] + 60 * terms.minutes - now
                error = SithsdError(
                    ErrorCode.REQUEST_TOO_MANY_WRONG,
                    f"{most} wrong codes {whose} in {terms.minutes} minutes: the card was not touched",
                )
                error.more = More(retry_after=max(ceil(rest), 1))
                raise error
            if len(account.wrong) + account.open >= most:
                raise SithsdError(ErrorCode.READER_BUSY, f"too many operations {whose} are under way at once")
        return Reservation((mine, cards), self._tell_seconds)

    def _account(self, key: Hashable, now: float) -> _Account:
        account = self._accounts.pop(key, None) or _Account()
        while account.wrong and account.wrong[0] <= now - 60 * self._terms.minutes:
            account.wrong.popleft()
        self._accounts[key] = account  # the last one used is the last one
        if len(self._accounts) > _MOST_KEPT:
            idle = next((one for one, kept in self._accounts.items() if not kept.open), None)
            if idle is not None:
                del self._accounts[idle]
        return account


class Reservation:
    """Leave for one operation; has to be settled once."""

    def __init__(self, accounts: tuple[_Account, ...], tell_seconds: Callable[[], float]) -> None:
        self._accounts = accounts
        self._tell_seconds = tell_seconds
        for account in accounts:
            account.open += 1

    def settle(self, *, wrong: bool) -> None:
        """Note how it ended: `wrong` if the card said so, or nobody knows."""
        for account in self._accounts:
            account.open -= 1
            if wrong:
                account.wrong.append(self._tell_seconds())
