"""The methods of io.sithsd.Cards: rights and shapes here, the work in the session room."""

import asyncio
from collections.abc import AsyncGenerator

from sithsd.api import views, wire
from sithsd.api.interface import AnyMethod, Interface, Method, NoParameters, StreamMethod, interface_text
from sithsd.api.peer import Caller
from sithsd.api.rights import Rights, everyone
from sithsd.clock import Clock
from sithsd.errors import ErrorCode, SithsdError
from sithsd.locations import CARDS_SOCKET
from sithsd.session.adviser import Adviser
from sithsd.session.board import Board
from sithsd.session.model import InsertedCard, Picture, ReaderView
from sithsd.session.readers import Readers
from sithsd.session.verdicts import Verdicts


class Cards:
    """What those who may look are told. `verdicts`, `clock` and `adviser` serve what is answered anew each time."""

    def __init__(  # noqa: PLR0913 - the whole daemon as those who look see it
        self, board: Board, readers: Readers, rights: Rights, verdicts: Verdicts, clock: Clock, *, adviser: Adviser
    ) -> None:
        self._board = board
        self._readers = readers
        self._rights = rights
        self._verdicts = verdicts
        self._clock = clock
        self._adviser = adviser
        self._shown: dict[bool, tuple[Picture, list[wire.Reader]]] = {}

    def interface(self, *more: AnyMethod) -> Interface:
        """Return io.sithsd.Cards, with the methods that belong to others too."""
        right = self._rights.status
        return Interface(
            interface_text(CARDS_SOCKET),
            [
                Method("List", wire.ListCall, right, self._list),
                StreamMethod("Monitor", wire.ListCall, right, self._monitor),
                Method("GetCertificates", wire.ReaderCall, right, self._certificates),
                Method("GetValidity", wire.ValidityCall, right, self._validity),
                Method("GetCodes", wire.ReaderCall, right, self._codes),
                Method("GetRights", NoParameters, everyone, self._caller_rights),
                *more,
            ],
        )

    async def _list(self, call: wire.ListCall, caller: Caller) -> wire.ListReply:
        unmasked = self._unmasked(call.unmasked, caller)
        picture = self._board.picture
        return wire.ListReply(
            readers=self._all(picture, unmasked=unmasked),
            sequence=picture.sequence,
            service=picture.service,
            notices=views.notices(picture.notices),
        )

    async def _monitor(self, call: wire.ListCall, caller: Caller) -> AsyncGenerator[wire.Wire, None]:
        unmasked = self._unmasked(call.unmasked, caller)
        event, told = "state", 0
        watching = self._board.watch()
        try:
            async for picture in watching:
                yield wire.MonitorReply(
                    event=event,
                    sequence=picture.sequence,
                    readers=self._all(picture, unmasked=unmasked),
                    service=picture.service,
                    reader=picture.changed if event == "changed" else None,
                    notices=views.notices(one for one in picture.notices if one.sequence > told),
                )
                event, told = "changed", picture.sequence
        finally:
            await watching.aclose()

    async def _certificates(self, call: wire.ReaderCall, caller: Caller) -> wire.CertificatesReply:
        unmasked = self._unmasked(call.unmasked, caller)
        slot = self._readers.slot(call.reader)
        await slot.settled()
        # By what is known at this moment: nobody is asked, as the certificates themselves are what is wanted.
        view, entries = slot.view, slot.certificates()
        judged = await asyncio.to_thread(self._verdicts.judged, entries)
        # Whoever may see personal identity numbers gets whole certificates, asked for or not.
        whole = unmasked or self._rights.personal_numbers(caller)
        return self._reply(
            view,
            [
                views.certificate(entry, unmasked=unmasked, with_bytes=whole or not views.is_personal(entry))
                for entry in judged
            ],
        )

    async def _validity(self, call: wire.ValidityCall, caller: Caller) -> wire.ValidityReply:
        unmasked = self._unmasked(call.unmasked, caller)
        slot = self._readers.slot(call.reader)
        await slot.settled()
        # The card may go while others are asked about it: the reply is of this one.
        view, entries = slot.view, slot.certificates()
        await self._verdicts.ask(entries, fresh=bool(call.fresh))
        judged = await asyncio.to_thread(self._verdicts.judged, entries)
        card = self._adviser.advised(view.card or InsertedCard(b""), self._clock.now())
        return wire.ValidityReply(
            reader=view.name,
            card_serial=card.serial,
            sequence=view.sequence,
            certificates=[views.certificate(entry, unmasked=unmasked) for entry in judged],
            notes=list(card.notes),
            advice=views.advice(card.advice),
            advice_changes=views.whole_second(card.advice_changes),
        )

    async def _codes(self, call: wire.ReaderCall, caller: Caller) -> wire.CodesReply:
        self._unmasked(call.unmasked, caller)
        slot = self._readers.slot(call.reader)
        view, _ = await slot.read_codes()
        card = view.card
        return wire.CodesReply(
            reader=view.name,
            card_serial=card.serial if card else None,
            sequence=view.sequence,
            codes=views.codes(card.codes if card else ()),
        )

    async def _caller_rights(self, _call: NoParameters, caller: Caller) -> wire.RightsReply:
        rights = self._rights
        return wire.RightsReply(
            status=rights.status(caller),
            personal_numbers=rights.personal_numbers(caller),
            codes=rights.codes(caller),
            authenticate=rights.authenticate(caller),
            sign=rights.sign(caller),
            desk=rights.desk(caller),
            active_session=rights.active_session(caller),
        )

    def _all(self, picture: Picture, *, unmasked: bool) -> list[wire.Reader]:
        """Return the readers of a picture; the same picture is put into words once for all who ask."""
        shown = self._shown.get(unmasked)
        if shown is None or shown[0] is not picture:
            shown = (picture, views.readers(picture, unmasked=unmasked))
            self._shown[unmasked] = shown
        return shown[1]

    def _unmasked(self, asked: bool | None, caller: Caller) -> bool:
        if asked and not self._rights.personal_numbers(caller):
            raise SithsdError(ErrorCode.REQUEST_DENIED, "personal identity numbers are not for this user")
        return bool(asked)

    @staticmethod
    def _reply(view: ReaderView, certificates: list[wire.Certificate]) -> wire.CertificatesReply:
        return wire.CertificatesReply(
            reader=view.name,
            card_serial=view.card.serial if view.card else None,
            sequence=view.sequence,
            certificates=certificates,
            notes=list(view.card.notes) if view.card else [],
        )
