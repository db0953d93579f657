"""Messages out of a stream of bytes: varlink's framing, with no input or output of its own.

A message is what stands before a NUL. One buffer holds what was received and not taken yet; it never holds more than
one byte above the cap, it is never reallocated by Python behind our back, and every place a message leaves is
overwritten, because a message may carry a code.
"""

_FIRST_SIZE = 4096


class MessageTooLongError(Exception):
    """More bytes than a message may have arrived without a NUL."""


class MessageBuffer:
    """Collects bytes, gives messages.

    `cap` is the greatest length of a message in bytes, without its NUL. Read into `free()`, tell how much with
    `received`, then `take` messages until there is none.
    """

    __slots__ = ("_buffer", "_cap", "_end", "_searched", "_start")

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._buffer = bytearray(min(_FIRST_SIZE, cap + 1))
        self._start = self._end = self._searched = 0

    def __len__(self) -> int:
        """Return the number of bytes received and not taken."""
        return self._end - self._start

    @property
    def full(self) -> bool:
        """Whether nothing more can be received before something is taken."""
        return len(self) > self._cap

    def free(self) -> memoryview:
        """Return the room for the bytes that come next: one at least. Raises BufferError when `full`."""
        if self._end == len(self._buffer):
            self._make_room()
        return memoryview(self._buffer)[self._end :]

    def received(self, count: int) -> None:
        """Say that `count` bytes were written at the beginning of `free()`."""
        self._end += count

    def take(self) -> bytearray | None:
        """Return the next message, which is the caller's to wipe; None when there is no whole one.

        Raises MessageTooLongError when the cap is reached without a NUL.
        """
        found = self._buffer.find(0, self._searched, self._end)
        if found < 0:
            self._searched = self._end
            if self.full:
                raise MessageTooLongError
            return None
        message = self._buffer[self._start : found]
        self._buffer[self._start : found] = bytes(found - self._start)
        self._start = self._searched = found + 1
        if self._start == self._end:
            self._start = self._end = self._searched = 0
            if len(self._buffer) > _FIRST_SIZE:
                self._buffer = bytearray(min(_FIRST_SIZE, self._cap + 1))
        return message

    def wipe(self) -> None:
        """Forget everything received, and overwrite it."""
        wipe(self._buffer)
        self._start = self._end = self._searched = 0

    def _make_room(self) -> None:
        kept = len(self)
        if self.full:
            raise BufferError("the buffer is full")
        old = self._buffer
        # A larger buffer is a new one: bytearray.extend would leave a copy of the old bytes in freed memory.
        if not self._start:
            self._buffer = bytearray(min(2 * len(old), self._cap + 1))
        self._buffer[:kept] = memoryview(old)[self._start : self._end]
        if self._buffer is old:
            old[kept:] = bytes(len(old) - kept)
        else:
            wipe(old)
        self._searched -= self._start
        self._start, self._end = 0, kept


def wipe(buffer: bytearray) -> None:
    """Overwrite `buffer` with zeros, in place."""
    buffer[:] = bytes(len(buffer))
