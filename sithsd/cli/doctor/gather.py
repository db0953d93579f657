"""Gathering: ask the daemon all that is to be asked, and look at the machine. What fails is a fact like any other."""

from pathlib import Path
from typing import TypeVar

from sithsd.api.diagnosis_wire import DiagnoseCall
from sithsd.api.interface import NoParameters
from sithsd.api.wire import ListCall, ReaderCall, Wire
from sithsd.cli.commands.look import GET_CODES, GET_VALIDITY, LIST
from sithsd.cli.daemon import Daemon
from sithsd.cli.doctor.facts import Answer, Facts, MachineFacts, chosen
from sithsd.cli.doctor.machine import reached
from sithsd.cli.failure import CommandError
from sithsd.cli.replies import (
    CertificatesReply,
    CodesReply,
    DiagnoseReply,
    InfoReply,
    ListReply,
    RightsReply,
    read,
)
from sithsd.errors import ErrorCode
from sithsd.locations import CARDS_SOCKET, CODES_SOCKET

GET_INFO = "org.varlink.service.GetInfo"
GET_RIGHTS = "io.sithsd.Cards.GetRights"
DIAGNOSE = "io.sithsd.Cards.Diagnose"

T = TypeVar("T")

# In seconds: for a word from the daemon at all, and for an answer. It waits two for a card that another program holds,
# and ten more for one that hangs.
_ALIVE = 5.0
_PATIENCE = 20.0


def gather(daemon: Daemon, folder: Path, machine: MachineFacts, own_version: str, wanted: str | None) -> Facts:
    """Return all facts. Of the card only counters are read, as `sithsctl codes` does; no try is used."""
    asking = _Asking(daemon)
    info = asking.ask(GET_INFO, NoParameters(), InfoReply, socket=CARDS_SOCKET, patience=_ALIVE)
    rights: Answer[RightsReply] = Answer()
    listing: Answer[ListReply] = Answer()
    diagnosis: Answer[DiagnoseReply] = Answer()
    card_codes: Answer[CodesReply] = Answer()
    validity: Answer[CertificatesReply] = Answer()
    if info.reply is not None:
        rights = asking.ask(GET_RIGHTS, NoParameters(), RightsReply)
        # Waits for a reading under way, so that what comes after it tells of a card that was just put in, too.
        diagnosis = asking.ask(DIAGNOSE, DiagnoseCall(reader=wanted), DiagnoseReply)
        listing = asking.ask(LIST, ListCall(), ListReply)
        reader = chosen(listing.reply.readers, wanted) if listing.reply else None
        if reader is not None and reader.state == "ready":
            validity = asking.ask(GET_VALIDITY, ReaderCall(reader=reader.name), CertificatesReply)
            # A card that was not to be had a moment ago is not waited for again.
            if not _is_held(diagnosis.reply, reader.name):
                card_codes = asking.ask(GET_CODES, ReaderCall(reader=reader.name), CodesReply)
            # What came to light just now is among the notices.
            listing = asking.ask(LIST, ListCall(), ListReply)
    return Facts(
        own_version=own_version,
        machine=machine,
        cards=reached(folder / CARDS_SOCKET),
        codes=reached(folder / CODES_SOCKET),
        wanted=wanted,
        info=info,
        rights=rights,
        listing=listing,
        diagnosis=diagnosis,
        card_codes=card_codes,
        validity=validity,
    )


def _is_held(diagnosis: DiagnoseReply | None, reader: str) -> bool:
    readers = [] if diagnosis is None else diagnosis.readers
    return any(one.name == reader and one.refusal == ErrorCode.READER_BUSY for one in readers)


class _Asking:
    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def ask(
        self,
        method: str,
        parameters: Wire,
        shape: type[T],
        *,
        socket: str | None = None,
        patience: float = _PATIENCE,
    ) -> Answer[T]:
        """Return the reply, or the error: that of a method which an older daemon does not know, too."""
        try:
            return Answer(reply=read(self._daemon.ask(method, parameters, patience=patience, socket=socket), shape))
        except CommandError as error:
            return Answer(error=error.parameters)
