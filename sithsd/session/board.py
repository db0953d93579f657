"""The board that everybody looks at: the present picture of all readers, and who wants to hear of changes.

Belongs to the asyncio loop's thread alone.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from sithsd.session.model import Notice, Picture, ReaderView

_NOTICES = 32


class Board:
    """Keeps the picture; every change gets the next sequence number."""

    def __init__(self) -> None:
        self._picture = Picture(sequence=0, service=False, readers=())
        self._listeners: set[asyncio.Event] = set()

    @property
    def picture(self) -> Picture:
        """The present picture."""
        return self._picture

    def reader(self, name: str) -> ReaderView | None:
        """Return the view of one reader, None if there is no such reader."""
        return next((view for view in self._picture.readers if view.name == name), None)

    def set_service(self, *, up: bool) -> None:
        """Note that pcscd was found, or lost; without it there are no readers."""
        self._show(replace(self._picture, service=up, readers=self._picture.readers if up else (), changed=None))

    def put(self, view: ReaderView) -> ReaderView:
        """Show a reader's new view, with the next sequence number; return it as shown."""
        shown = replace(view, sequence=self._picture.sequence + 1)
        others = [other for other in self._picture.readers if other.name != view.name]
        readers = tuple(sorted([*others, shown], key=lambda one: one.name))
        self._show(replace(self._picture, readers=readers, changed=view.name))
        return shown

    def renew(self, view: ReaderView) -> None:
        """Show a reader with what nobody needs to hear of: it is no event, and has no number."""
        readers = tuple(view if other.name == view.name else other for other in self._picture.readers)
        self._picture = replace(self._picture, readers=readers)

    def drop(self, name: str) -> None:
        """Take a reader that is gone off the board."""
        readers = tuple(view for view in self._picture.readers if view.name != name)
        self._show(replace(self._picture, readers=readers, changed=name))

    def notify(self, notice: Notice) -> Notice:
        """Show a notice, with the next sequence number; return it as shown. The oldest goes when there are too many."""
        shown = replace(notice, sequence=self._picture.sequence + 1)
        kept = (*self._picture.notices, shown)[-_NOTICES:]
        self._show(replace(self._picture, notices=kept, changed=notice.reader))
        return shown

    async def watch(self) -> AsyncGenerator[Picture, None]:
        """Yield the present picture, then each newer one; a slow taker skips those in between, never the newest."""
        changed = asyncio.Event()
        self._listeners.add(changed)
        try:
            while True:
                changed.clear()
                yield self._picture
                await changed.wait()
        finally:
            self._listeners.discard(changed)

    def _show(self, picture: Picture) -> None:
        self._picture = replace(picture, sequence=self._picture.sequence + 1)
        for listener in self._listeners:
            listener.set()
