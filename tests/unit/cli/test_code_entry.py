"""Codes from a file descriptor: bounded, exact, one line each, and wiped."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.cli.code_entry import LONGEST_CODE, possible_code, read_code, read_line, same
from sithsd.cli.failure import CommandError
from sithsd.errors import ErrorCode
from sithsd.secret import Secret


@contextmanager
def descriptor(content: bytes) -> Iterator[int]:
    """Give the reading end of a pipe with this content, at its end afterwards."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    try:
        yield reading
    finally:
        os.close(reading)


def line(content: bytes) -> bytes | None:
    """Return what is read of this content as one line."""
    with descriptor(content) as reading:
        secret = read_line(reading)
        return None if secret is None else bytes(secret.reveal())


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"123456\n", b"123456"),
        (b"123456\r\n", b"123456"),
        (b"123456", b"123456"),
        (b"123456\n\n", b"123456"),
        (b"123456\r\r\n", b"123456\r"),
        (b"123456\r", b"123456\r"),
        (b" 123456 \n", b" 123456 "),
        (b"\n", b""),
        (b"\r\n", b""),
        (b"12\x003\n", b"12\x003"),
        (b"", None),
    ],
)
def test_one_line_end_is_taken_off_and_nothing_else(content: bytes, code: bytes | None) -> None:
    """LF or CR LF ends a code; spaces and whatever else belong to it, for the daemon to refuse."""
    assert line(content) == code


@given(st.binary(max_size=3 * LONGEST_CODE))
def test_a_line_is_bounded_and_exact(content: bytes) -> None:
    """At most one byte more than the longest code comes back, and never a byte that was not there."""
    got = line(content)
    first = content.split(b"\n", 1)[0]
    if b"\n" in content and first.endswith(b"\r"):
        first = first[:-1]
    if not content:
        assert got is None
    elif len(first) <= LONGEST_CODE:
        assert got == first
    else:
        assert got is not None
        assert len(got) == LONGEST_CODE + 1
        assert content.startswith(got)


def test_nothing_after_the_line_is_taken() -> None:
    """What follows a code in a pipe belongs to whoever reads it next."""
    with descriptor(b"12345678\n123456\nrest") as reading:
        for expected in (b"12345678", b"123456"):
            with closing_secret(read_line(reading)) as secret:
                assert secret.reveal() == expected
        assert os.read(reading, 100) == b"rest"


@contextmanager
def closing_secret(secret: Secret | None) -> Iterator[Secret]:
    """Give a secret that must be there."""
    assert secret is not None
    with secret:
        yield secret


def test_a_code_in_pieces_is_whole() -> None:
    """A pipe that gives a code in pieces gives the same code."""
    reading, writing = os.pipe()
    with closing(os.fdopen(reading, "rb", buffering=0)), closing(os.fdopen(writing, "wb", buffering=0)) as pipe:
        pid = os.getpid()
        pipe.write(b"123")
        pipe.write(b"456\n")
        secret = read_code(reading, "authentication")
        assert bytes(secret.reveal()) == b"123456"
        assert os.getpid() == pid


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * (LONGEST_CODE + 1), b"12345\xe5\n", "12345å".encode()])
def test_what_can_be_no_code_is_malformed(content: bytes) -> None:
    """Nothing, too much, or bytes beyond ASCII: refused here, naming the role, never quoting the line."""
    with descriptor(content) as reading, pytest.raises(CommandError) as caught:
        read_code(reading, "puk")
    given_back = caught.value.parameters
    assert (given_back.code, given_back.role) == (ErrorCode.PIN_MALFORMED, "puk")
    assert "1234" not in repr(given_back)


def test_a_refused_line_is_wiped() -> None:
    """A line that is no code may still be somebody's code with a slip of the finger."""
    secret = Secret(b"12345\xe5")
    held = secret.reveal()
    with pytest.raises(CommandError):
        possible_code(secret, "authentication")
    assert held == bytes(6)


def test_a_closed_descriptor_is_named() -> None:
    """A descriptor that can't be read is a fault of the call, without a try used."""
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(CommandError) as caught:
        read_code(reading, "authentication")
    assert caught.value.parameters.code == ErrorCode.REQUEST_INVALID


def test_codes_are_compared_whole() -> None:
    """Two codes are the same only when every byte is."""
    assert same(Secret(b"123456"), Secret(b"123456"))
    assert not same(Secret(b"123456"), Secret(b"1234567"))
