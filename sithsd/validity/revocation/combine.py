"""Several answers about one certificate made one."""

from collections.abc import Sequence
from datetime import datetime

from sithsd.validity.moments import FIRST
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus

# The most telling first: what somebody has said, and what is known of why nobody has.
_TELLING = (
    Failure.NOT_KNOWN_THERE,
    Failure.STALE,
    Failure.INVALID,
    Failure.UNREACHABLE,
    Failure.NO_SOURCE,
    Failure.CHAIN_UNKNOWN,
)
_HOLD = "certificateHold"


def combine(answers: Sequence[Evidence]) -> Evidence:
    """Return the answer that counts: revoked before all, then the freshest good one, then the most telling failure.

    Only a hold ends: a good answer that was made after one counts more. Raises ValueError for no answers, and for
    answers about several certificates.
    """
    if len({answer.fingerprint for answer in answers}) != 1:
        raise ValueError("answers about one certificate are combined")
    newest_good = _newest(answers, RevocationStatus.GOOD)
    ever = [answer for answer in answers if not _is_hold(answer)]
    if revoked := _newest(ever, RevocationStatus.REVOKED):
        return revoked
    held = _newest(answers, RevocationStatus.REVOKED)
    if held and not (newest_good and _made(newest_good) > _made(held)):
        return held
    if newest_good:
        return newest_good
    return min(answers, key=lambda answer: _TELLING.index(answer.failure) if answer.failure else len(_TELLING))


def _newest(answers: Sequence[Evidence], status: RevocationStatus) -> Evidence | None:
    return max((answer for answer in answers if answer.status is status), key=_made, default=None)


def _made(answer: Evidence) -> datetime:
    return answer.this_update or FIRST


def _is_hold(answer: Evidence) -> bool:
    return answer.status is RevocationStatus.REVOKED and answer.revocation_reason == _HOLD
