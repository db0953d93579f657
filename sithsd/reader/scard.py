"""PC/SC, typed: the one module that calls pyscard.

The functions of winscard.h (PC/SC part 5; pcsc-lite's API) as methods. A call that fails raises `PcscError` with the
code it got; nothing is retried or interpreted here.

Rules that pcsc-lite's client library forces on its callers:

- A context belongs to one thread. While that thread waits in `get_status_change`, the only call that another thread
  may make on the context is `cancel`: any other one would stop every PC/SC call of the process.
- `list_readers`, `get_status_change` and SCardStatus read the service's table of readers into one buffer that all
  contexts of the process share, without a lock. Two threads that do so at once may hide an event from each other, so
  they belong to the one thread that watches the readers. The threads that speak to cards do without them, as far as
  the reader's driver lets them (see `CardHandle.atr`).
- `connect`, `begin_transaction` and `transmit` have no time-out. They block while another process holds a transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from smartcard import scard as winscard

# Return codes (pcsclite.h).
SUCCESS: Final = 0x00000000
INTERNAL_ERROR: Final = 0x80100001
CANCELLED: Final = 0x80100002
INVALID_HANDLE: Final = 0x80100003
INVALID_PARAMETER: Final = 0x80100004
NO_MEMORY: Final = 0x80100006
INSUFFICIENT_BUFFER: Final = 0x80100008
UNKNOWN_READER: Final = 0x80100009
TIMEOUT: Final = 0x8010000A
SHARING_VIOLATION: Final = 0x8010000B
NO_SMARTCARD: Final = 0x8010000C
PROTO_MISMATCH: Final = 0x8010000F
COMM_ERROR: Final = 0x80100013
INVALID_ATR: Final = 0x80100015
NOT_TRANSACTED: Final = 0x80100016
READER_UNAVAILABLE: Final = 0x80100017
NO_SERVICE: Final = 0x8010001D
SERVICE_STOPPED: Final = 0x8010001E
UNSUPPORTED_FEATURE: Final = 0x8010001F
NO_READERS_AVAILABLE: Final = 0x8010002E
COMM_DATA_LOST: Final = 0x8010002F
SERVER_TOO_BUSY: Final = 0x80100031
UNSUPPORTED_CARD: Final = 0x80100065
UNRESPONSIVE_CARD: Final = 0x80100066
UNPOWERED_CARD: Final = 0x80100067
RESET_CARD: Final = 0x80100068
REMOVED_CARD: Final = 0x80100069
SECURITY_VIOLATION: Final = 0x8010006A

# A context or handle that answered with one of these is dead for ever; a new context may work.
DEAD: Final = frozenset({INVALID_HANDLE, COMM_ERROR, NO_SERVICE, SERVICE_STOPPED, INTERNAL_ERROR, INSUFFICIENT_BUFFER})

# State bits (SCARD_STATE_*); the upper half of the word counts insertions and removals, modulo 65536.
STATE_UNAWARE: Final = 0x0000
STATE_CHANGED: Final = 0x0002
STATE_UNKNOWN: Final = 0x0004
STATE_UNAVAILABLE: Final = 0x0008
STATE_EMPTY: Final = 0x0010
STATE_PRESENT: Final = 0x0020
STATE_EXCLUSIVE: Final = 0x0080
STATE_INUSE: Final = 0x0100
STATE_MUTE: Final = 0x0200

LEAVE_CARD: Final = 0
RESET_CARD_ON_RELEASE: Final = 1

PNP_NOTIFICATION: Final = "\\\\?PnP?\\Notification"

# pcsc-lite's own INFINITE (0xFFFFFFFF) wakes the caller's thread once a minute; this one, 24.8 days, does not.
INFINITE: Final = 0x7FFFFFFF

# A response APDU with the longest data field that there is, and its status word (ISO 7816-3:2006, 12.1.1).
MAX_RESPONSE: Final = 65536 + 2

_PROTOCOL_T0: Final = 1
_PROTOCOL_T1: Final = 2
_PROTOCOLS: Final = _PROTOCOL_T0 | _PROTOCOL_T1


class PcscError(Exception):
    """A PC/SC call failed: `code` is its return code as an unsigned number, `call` the function's name."""

    def __init__(self, code: int, call: str) -> None:
        super().__init__(code, call)
        self.code = code
        self.call = call

    def __str__(self) -> str:
        return f"{self.call}: {self.code:08X}"


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What `get_status_change` tells of one reader: `word` is dwEventState, `atr` is empty without a card."""

    reader: str
    word: int
    atr: bytes

    @property
    def changed(self) -> bool:
        """Whether the state differs from the one that was passed to the call."""
        return bool(self.word & STATE_CHANGED)


class CardHandle:
    """One connection to the card in one reader (SCARDHANDLE)."""

    def __init__(self, handle: int, active_protocol: int) -> None:
        self._handle = handle
        self.protocol: Final = _number(active_protocol)
        self._pci = winscard.SCARD_PCI_T1 if self.protocol else winscard.SCARD_PCI_T0

    def atr(self) -> bytes:
        """Return the answer to reset.

        The driver is asked (SCardGetAttrib). One that can't tell, such as vpcd's, leaves SCardStatus, with the risk
        that the module's text names.
        """
        try:
            return bytes(_call(winscard.SCardGetAttrib, self._handle, winscard.SCARD_ATTR_ATR_STRING)[0])
        except PcscError as error:
            if error.code in DEAD:
                raise
        return bytes(_call(winscard.SCardStatus, self._handle)[3])

    def attribute(self, code: int) -> bytes | None:
        """Return what the reader's driver tells of itself (SCardGetAttrib); None where it does not tell."""
        try:
            return bytes(_call(winscard.SCardGetAttrib, self._handle, code)[0])
        except PcscError as error:
            if error.code in DEAD:
                raise
            return None  # a driver without this attribute refuses the question, each in its own way

    def begin_transaction(self) -> None:
        """Take the card for this connection alone; blocks while another one has it."""
        _call(winscard.SCardBeginTransaction, self._handle)

    def end_transaction(self, disposition: int) -> None:
        """Let others have the card again, reset before if `disposition` is RESET_CARD_ON_RELEASE."""
        _call(winscard.SCardEndTransaction, self._handle, disposition)

    def transmit(self, command: bytes | bytearray) -> bytes:
        """Send one command as it is, and return the response with its status word: empty if the card went away."""
        octets = list(command)
        try:
            return bytes(_call(winscard.SCardTransmit, self._handle, self._pci, octets)[0])
        finally:
            octets[:] = bytes(len(octets))  # the command may carry a code

    def control(self, code: int, data: bytes | bytearray) -> bytes:
        """Send `data` to the reader itself by the control code `code` (SCardControl); return its answer."""
        octets = list(data)
        try:
            return bytes(_call(winscard.SCardControl, self._handle, code, octets)[0])
        finally:
            octets[:] = bytes(len(octets))

    def renegotiate(self) -> int:
        """Have the service agree with the card on a protocol again, where it has none; return the one in use, 0 or 1.

        SCardReconnect, with the card left as it is. It also takes note of resets that were not told of yet.
        """
        (active,) = _call(
            winscard.SCardReconnect, self._handle, winscard.SCARD_SHARE_SHARED, _PROTOCOLS, winscard.SCARD_LEAVE_CARD
        )
        return _number(active)

    def disconnect(self, disposition: int) -> None:
        """Close the connection, with the card reset before if `disposition` is RESET_CARD_ON_RELEASE."""
        _call(winscard.SCardDisconnect, self._handle, disposition)


class Context:
    """One thread's connection to the PC/SC service (SCARDCONTEXT)."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def establish(cls) -> Self:
        """Connect to the service; a socket held by systemd starts it."""
        return cls(_call(winscard.SCardEstablishContext, winscard.SCARD_SCOPE_SYSTEM)[0])

    def release(self) -> None:
        """Close the connection and all card handles made with it."""
        _call(winscard.SCardReleaseContext, self._handle)

    def list_readers(self) -> tuple[str, ...]:
        """Return the names of the readers, none if there are none."""
        try:
            return tuple(_call(winscard.SCardListReaders, self._handle, [])[0])
        except PcscError as error:
            if error.code == NO_READERS_AVAILABLE:
                return ()
            raise

    def get_status_change(self, states: Sequence[tuple[str, int]], timeout: int) -> tuple[StatusChange, ...]:
        """Wait at most `timeout` milliseconds until a reader's state differs from what the caller believes.

        `states` are pairs of a reader's name and the state word believed (STATE_UNAWARE answers at once). The answer
        has the same order; when the time is over, nothing in it is `changed`. Raises PcscError CANCELLED,
        UNKNOWN_READER if a reader is not there when the call begins, INVALID_PARAMETER for more than 16 names (before
        pcsc-lite 2.0).
        """
        code, looks = winscard.SCardGetStatusChange(self._handle, timeout, list(states))
        code &= 0xFFFFFFFF
        if code not in {SUCCESS, TIMEOUT}:
            raise PcscError(code, "SCardGetStatusChange")
        return tuple(StatusChange(reader, word & 0xFFFFFFFF, bytes(atr)) for reader, word, atr in looks)

    def cancel(self) -> None:
        """End the wait of another thread on this context. Lost if that thread has not begun to wait."""
        _call(winscard.SCardCancel, self._handle)

    def connect(self, reader: str) -> CardHandle:
        """Connect to the card in `reader`, shared with others, by T=0 or T=1 as the card likes."""
        handle, protocol = _call(winscard.SCardConnect, self._handle, reader, winscard.SCARD_SHARE_SHARED, _PROTOCOLS)
        return CardHandle(handle, protocol)


def _number(active_protocol: int) -> int:
    """Return 0 for T=0 and 1 for T=1."""
    return 0 if active_protocol == _PROTOCOL_T0 else 1


def _call(function: Callable[..., Any], *arguments: object) -> Sequence[Any]:
    name = function.__name__
    try:
        answer = function(*arguments)
    except SystemError:
        # How pyscard reports an argument that it can't convert, such as a context that is none; without a cause, and
        # the arguments stay out of the error, because they may carry a code.
        raise PcscError(INVALID_PARAMETER, name) from None
    code, *values = answer if isinstance(answer, list | tuple) else (answer,)
    code &= 0xFFFFFFFF
    if code != SUCCESS:
        raise PcscError(code, name)
    return values
