"""Another program that holds a card: `card_holder.py READER shared|exclusive`, until its standard input ends.

Shared, it holds a transaction; exclusive, the reader. It writes "held" when it does, and resets the card when it lets
go if the last line that it read was "reset".
"""

import sys

from smartcard import scard


def _checked(answer: object) -> list[object]:
    code, *values = answer if isinstance(answer, list | tuple) else (answer,)
    if code != scard.SCARD_S_SUCCESS:
        sys.exit(f"PC/SC: {code:08X}")
    return values


def _main(reader: str, mode: str) -> None:
    share = scard.SCARD_SHARE_EXCLUSIVE if mode == "exclusive" else scard.SCARD_SHARE_SHARED
    (context,) = _checked(scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM))
    protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    card, _ = _checked(scard.SCardConnect(context, reader, share, protocols))
    if mode == "shared":
        _checked(scard.SCardBeginTransaction(card))
    sys.stdout.write("held\n")
    sys.stdout.flush()
    lines = sys.stdin.read().split()
    disposition = scard.SCARD_RESET_CARD if lines[-1:] == ["reset"] else scard.SCARD_LEAVE_CARD
    if mode == "shared":
        _checked(scard.SCardEndTransaction(card, disposition))
    _checked(scard.SCardDisconnect(card, disposition))


if __name__ == "__main__":
    _main(*sys.argv[1:])
