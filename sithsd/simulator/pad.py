"""The PIN pad of a simulated reader: digits are keyed in at the reader, and the computer never sees them.

PC/SC specification part 10 v2.02.09: FEATURE_VERIFY_PIN_DIRECT (2.5.2), FEATURE_MODIFY_PIN_DIRECT (2.5.3) and the
status words that a pad answers with instead of a card (2.5.4).
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import Final

from sithsd.simulator.ifd import Tell
from sithsd.simulator.pin_template import PinTemplate, TemplateError, Until

_LOOK_SECONDS = 0.05
_DIGITS = frozenset("0123456789")


class Key(StrEnum):
    """The keys beside the digits. TIME_OUT is none: it lets the time for the entry run out at once."""

    OK = "ok"
    CANCEL = "cancel"
    CLEAR = "clear"
    TIME_OUT = "timeout"


class PadStatus(IntEnum):
    """SW1-SW2 of the pad itself: nothing was sent to the card."""

    TIME_OUT = 0x6400
    CANCELLED = 0x6401
    MISMATCH = 0x6402
    WRONG_LENGTH = 0x6403
    WRONG_STRUCTURE = 0x6B80


class PadError(Exception):
    """A key can't be pressed; the message says why."""


class _Ended(Exception):  # noqa: N818 - how an entry ends, not an error
    def __init__(self, answer: PadStatus | Tell) -> None:
        super().__init__(answer.name)
        self.answer = answer


class Pad:
    """One pad. `verify` and `modify` wait for keys; another thread presses them.

    `shortest` and `longest` are the PINs that the pad can take, whatever a caller allows; `seconds` is how long it
    waits for a key when the caller does not say.
    """

    def __init__(self, *, shortest: int = 4, longest: int = 12, seconds: float = 30.0) -> None:
        self.shortest: Final = shortest
        self.longest: Final = longest
        self._seconds = seconds
        self._changed = threading.Condition()
        self._keys: deque[str] = deque()
        self._asking = False

    @property
    def asking(self) -> bool:
        """Whether the pad waits for keys, or works on those it was given."""
        return self._asking

    def press(self, *keys: str) -> None:
        """Press keys: digits, and those of `Key`. Raises PadError for another one, or if the pad asks for nothing."""
        if any(key not in _DIGITS and key not in set(Key) for key in keys):
            raise PadError(f"a pad has digits and the keys {', '.join(Key)}")
        with self._changed:
            if not self._asking:
                raise PadError("the pad asks for nothing")
            self._keys.extend(keys)
            self._changed.notify_all()

    def verify(self, structure: bytes, send: Callable[[bytes], bytes | Tell], gone: Callable[[], bool]) -> bytes | Tell:
        """Ask for a PIN and have the card verify it; return the card's answer, or the pad's own.

        `send` gives a command to the card; `gone` tells that nobody waits any longer, or that the card is out.
        """
        return self._serve(PinTemplate.verify, structure, send, gone)

    def modify(self, structure: bytes, send: Callable[[bytes], bytes | Tell], gone: Callable[[], bool]) -> bytes | Tell:
        """Ask for the current PIN (or PUK) and a new one, as the structure says, and have the card change it."""
        return self._serve(PinTemplate.modify, structure, send, gone)

    def _serve(
        self,
        read: Callable[[bytes], PinTemplate],
        structure: bytes,
        send: Callable[[bytes], bytes | Tell],
        gone: Callable[[], bool],
    ) -> bytes | Tell:
        with self._changed:
            self._asking = True
        try:
            template = read(structure)
            old = self._entry(template, gone) if template.asks_old else ""
            new = self._entry(template, gone) if template.asks_new else ""
            if template.asks_new and template.confirms and self._entry(template, gone) != new:
                return _word(PadStatus.MISMATCH)
            return send(template.apdu(old, new))
        except TemplateError:
            return _word(PadStatus.WRONG_STRUCTURE)
        except _Ended as end:
            return _word(end.answer) if isinstance(end.answer, PadStatus) else end.answer
        finally:
            with self._changed:
                self._asking = False
                self._keys.clear()

    def _entry(self, template: PinTemplate, gone: Callable[[], bool]) -> str:
        digits = ""
        seconds = template.seconds or self._seconds
        while True:
            match self._key(time.monotonic() + seconds, gone):
                case Key.OK if Until.KEY in template.until:
                    break
                case Key.OK:
                    continue
                case Key.CANCEL:
                    raise _Ended(PadStatus.CANCELLED)
                case Key.CLEAR:
                    digits = ""
                case Key.TIME_OUT:
                    if not digits or Until.TIME_OUT not in template.until:
                        raise _Ended(PadStatus.TIME_OUT)
                    break
                case digit:
                    digits += digit
            if len(digits) == template.max_length and Until.MAX_LENGTH in template.until:
                break
            seconds = template.seconds_after_key or seconds
        shortest, longest = max(template.min_length, self.shortest), min(template.max_length, self.longest)
        if not shortest <= len(digits) <= longest:
            raise _Ended(PadStatus.WRONG_LENGTH)
        return digits

    def _key(self, deadline: float, gone: Callable[[], bool]) -> str:
        with self._changed:
            while not self._keys:
                if gone():
                    raise _Ended(Tell.NO_CARD)
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return Key.TIME_OUT
                self._changed.wait(min(remaining, _LOOK_SECONDS))
            return self._keys.popleft()


def _word(status: PadStatus) -> bytes:
    return status.to_bytes(2, "big")
