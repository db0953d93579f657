"""The board: one picture, numbered, and everybody who looks at it."""

import asyncio
from dataclasses import replace

from sithsd.session.board import Board
from sithsd.session.model import ReaderStatus, ReaderView


def view(name: str, status: ReaderStatus = ReaderStatus.EMPTY) -> ReaderView:
    """Return a reader's view."""
    return ReaderView(name, status, 0)


def test_every_change_has_the_next_number() -> None:
    """Each change of the picture has the next sequence number, and the reader that changed has the same."""
    board = Board()
    assert board.picture.sequence == 0
    assert not board.picture.service
    board.set_service(up=True)
    assert board.picture.sequence == 1
    assert board.put(view("b")).sequence == board.picture.sequence == 2
    assert board.put(view("a")).sequence == board.picture.sequence == 3
    assert board.put(view("b", ReaderStatus.READING)).sequence == board.picture.sequence == 4
    assert [(one.name, one.sequence) for one in board.picture.readers] == [("a", 3), ("b", 4)]
    board.drop("b")
    assert board.picture.sequence == 5
    assert board.picture.changed == "b"
    assert board.reader("b") is None


async def test_what_nobody_needs_to_hear_of() -> None:
    """A view that is renewed is there for those who look; nobody is woken, and no number is used up."""
    board = Board()
    board.put(view("a"))
    shown = board.put(view("b"))
    watching = board.watch()
    before = await anext(watching)
    board.renew(replace(shown, detail="newer"))
    assert board.picture.sequence == before.sequence
    assert board.reader("b") == replace(shown, detail="newer")
    assert [one.name for one in board.picture.readers] == ["a", "b"]
    waiting = asyncio.ensure_future(anext(watching))
    await asyncio.sleep(0)
    assert not waiting.done()
    board.drop("a")
    assert (await waiting).readers == (replace(shown, detail="newer"),)
    await watching.aclose()
    board.renew(view("gone"))
    assert board.reader("gone") is None


def test_without_the_service_there_are_no_readers() -> None:
    """When pcscd is lost the readers are, too."""
    board = Board()
    board.set_service(up=True)
    board.put(view("a"))
    board.set_service(up=False)
    assert board.picture.readers == ()
    assert not board.picture.service


async def test_a_watcher_gets_the_state_first_and_then_what_is_newest() -> None:
    """The present picture comes at once; a slow watcher misses those in between, never the last."""
    board = Board()
    board.put(view("a"))
    watching = board.watch()
    assert (await anext(watching)).sequence == 1
    for _ in range(5):
        board.put(view("a", ReaderStatus.READING))
    assert (await anext(watching)).sequence == 6
    waiting = asyncio.ensure_future(anext(watching))
    await asyncio.sleep(0)
    assert not waiting.done()
    board.drop("a")
    assert (await waiting).sequence == 7
    await watching.aclose()


async def test_a_change_while_a_picture_is_looked_at_is_not_missed() -> None:
    """A change between two looks is seen at the second, though nobody waited for it when it came."""
    board = Board()
    watching = board.watch()
    await anext(watching)
    board.put(view("a"))
    async with asyncio.timeout(5):
        assert (await anext(watching)).sequence == 1
    await watching.aclose()


async def test_who_goes_is_forgotten() -> None:
    """A watcher who stops leaves nothing behind, however it stops."""
    board = Board()
    watching = [board.watch() for _ in range(3)]
    for one in watching:
        await anext(one)
    assert len(board._listeners) == 3
    for one in watching:
        await one.aclose()
    waiting = board.watch()
    await anext(waiting)
    task = asyncio.ensure_future(anext(waiting))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert board._listeners == set()
