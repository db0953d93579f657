"""The message buffer: what goes in as a stream of bytes comes out as messages, within a bound, and leaves no traces."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sithsd.api.framing import MessageBuffer, MessageTooLongError

CAP = 10_000
MESSAGES = st.lists(st.binary(max_size=6000).map(lambda data: data.replace(b"\0", b".")), max_size=6)


def feed(buffer: MessageBuffer, data: bytes) -> None:
    """Receive `data`, which must fit."""
    while data:
        room = buffer.free()
        count = min(len(room), len(data))
        room[:count] = data[:count]
        buffer.received(count)
        data = data[count:]


def take_all(buffer: MessageBuffer) -> list[bytes]:
    """Take every whole message."""
    taken = []
    while (message := buffer.take()) is not None:
        taken.append(bytes(message))
    return taken


@settings(deadline=None)
@given(MESSAGES, st.integers(1, 5000))
def test_messages_do_not_depend_on_how_the_bytes_arrive(messages: list[bytes], size: int) -> None:
    """However a stream is cut, the same messages come out, in their order, and nothing is left."""
    stream = b"".join(message + b"\0" for message in messages)
    buffer = MessageBuffer(CAP)
    taken = []
    for start in range(0, len(stream), size):
        feed(buffer, stream[start : start + size])
        taken += take_all(buffer)
    assert taken == messages
    assert len(buffer) == 0


def test_a_message_of_just_the_cap_is_taken() -> None:
    """The cap counts the message without its NUL."""
    buffer = MessageBuffer(CAP)
    feed(buffer, b"a" * CAP)
    assert buffer.take() is None
    feed(buffer, b"\0")
    assert buffer.take() == b"a" * CAP


def test_one_byte_above_the_cap_is_refused() -> None:
    """A message that can't be completed within the cap is an error at once, not after more bytes."""
    buffer = MessageBuffer(CAP)
    feed(buffer, b"a" * (CAP + 1))
    with pytest.raises(MessageTooLongError):
        buffer.take()


def test_a_full_buffer_takes_no_more() -> None:
    """Nobody can make the buffer hold more than the cap and one byte, whole messages included."""
    buffer = MessageBuffer(CAP)
    feed(buffer, b"a\0" * (CAP // 2) + b"b")
    assert buffer.full
    with pytest.raises(BufferError):
        buffer.free()
    assert buffer.take() == b"a"
    assert not buffer.full


@settings(deadline=None)
@given(MESSAGES.filter(any), st.integers(1, 5000))
def test_taken_messages_are_overwritten_in_the_buffer(messages: list[bytes], size: int) -> None:
    """Where a message stood there is nothing of it when it has been taken."""
    stream = b"".join(message + b"\0" for message in messages)
    buffer = MessageBuffer(CAP)
    for start in range(0, len(stream), size):
        feed(buffer, stream[start : start + size])
        take_all(buffer)
    assert not any(buffer._buffer)


def test_growing_overwrites_the_smaller_buffer() -> None:
    """A message that outgrows the first buffer leaves no copy in it."""
    buffer = MessageBuffer(CAP)
    first = buffer._buffer
    feed(buffer, b"7" * 5000)
    assert buffer._buffer is not first
    assert not any(first)


def test_an_idle_buffer_is_small_again() -> None:
    """After a long message the memory is given back."""
    buffer = MessageBuffer(CAP)
    small = len(buffer._buffer)
    feed(buffer, b"a" * CAP + b"\0")
    take_all(buffer)
    assert len(buffer._buffer) == small


def test_wiping_forgets_and_overwrites() -> None:
    """After wiping there is no byte of an unfinished message left."""
    buffer = MessageBuffer(CAP)
    feed(buffer, b"123456")
    buffer.wipe()
    assert len(buffer) == 0
    assert not any(buffer._buffer)
