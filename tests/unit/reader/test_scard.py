"""The typed layer over pyscard."""

from typing import Any

import pytest

from sithsd.reader import scard


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a function of the library answer as told; returns the setter."""

    def answer(name: str, *given: Any, keep: list[Any] | None = None) -> None:
        def called(*arguments: Any) -> Any:
            if keep is not None:
                keep.append([list(it) if isinstance(it, list) else it for it in arguments])
                keep.append(arguments)
            if isinstance(given[0], type):
                raise given[0]
            return given[0]

        called.__name__ = name
        monkeypatch.setattr(scard.winscard, name, called)

    return answer


def test_a_failed_call_has_a_code_and_a_name(library: Any) -> None:
    """The code is an unsigned number, whatever sign the library gives it."""
    library("SCardEstablishContext", [scard.NO_SERVICE - 0x1_0000_0000, 0])
    with pytest.raises(scard.PcscError) as caught:
        scard.Context.establish()
    assert caught.value.call == "SCardEstablishContext"
    assert caught.value.code == scard.NO_SERVICE


def test_no_reader_is_an_empty_list(library: Any) -> None:
    """PC/SC's "no readers" is no error."""
    library("SCardListReaders", [scard.NO_READERS_AVAILABLE, []])
    assert scard.Context(1).list_readers() == ()


def test_the_end_of_a_wait_is_no_error(library: Any) -> None:
    """When the time is over the states come back, none of them changed; other codes are errors."""
    library("SCardGetStatusChange", [scard.TIMEOUT, [("A", scard.STATE_EMPTY, [])]])
    (look,) = scard.Context(1).get_status_change([("A", scard.STATE_EMPTY)], 0)
    assert look == scard.StatusChange("A", scard.STATE_EMPTY, b"")
    assert not look.changed
    library("SCardGetStatusChange", [scard.UNKNOWN_READER, [("A", 0, [])]])
    with pytest.raises(scard.PcscError, match="80100009"):
        scard.Context(1).get_status_change([("A", scard.STATE_EMPTY)], 0)


def test_a_command_leaves_no_copy_and_no_trace(library: Any) -> None:
    """The list made of a command is overwritten, and the library's own error does not show it."""
    kept: list[Any] = []
    library("SCardTransmit", SystemError, keep=kept)
    with pytest.raises(scard.PcscError) as caught:
        scard.CardHandle(7, 2).transmit(bytes.fromhex("00 20 00 81 39"))
    assert kept[0][2] == [0x00, 0x20, 0x00, 0x81, 0x39]
    assert kept[1][2] == [0, 0, 0, 0, 0]
    assert caught.value.__suppress_context__
    assert "57" not in str(caught.value)


@pytest.mark.parametrize(("active", "protocol"), [(1, 0), (2, 1)])
def test_the_active_protocol_chooses_the_header(library: Any, active: int, protocol: int) -> None:
    """T=0 and T=1 each have their protocol control information."""
    kept: list[Any] = []
    library("SCardTransmit", [0, [0x90, 0x00]], keep=kept)
    handle = scard.CardHandle(7, active)
    assert handle.protocol == protocol
    assert handle.transmit(b"\x00\xb0\x00\x00") == b"\x90\x00"
    assert kept[1][1] is (scard.winscard.SCARD_PCI_T0 if protocol == 0 else scard.winscard.SCARD_PCI_T1)


@pytest.mark.parametrize(("active", "protocol"), [(1, 0), (2, 1)])
def test_the_protocol_is_agreed_on_again_without_a_reset(library: Any, active: int, protocol: int) -> None:
    """SCardReconnect, shared as before, for T=0 or T=1, and the card left as it is."""
    kept: list[Any] = []
    library("SCardReconnect", [0, active], keep=kept)
    assert scard.CardHandle(7, 2).renegotiate() == protocol
    assert kept[0] == [7, scard.winscard.SCARD_SHARE_SHARED, 3, scard.winscard.SCARD_LEAVE_CARD]


def test_the_atr_comes_from_the_driver_if_it_can_tell(library: Any) -> None:
    """SCardStatus, which reads the table that all threads share, is the last resort, and not for a dead handle."""
    library("SCardStatus", [0, "A", 0, 2, [0x3B, 0x01]])
    library("SCardGetAttrib", [0, [0x3B, 0x00]])
    assert scard.CardHandle(7, 2).atr() == b"\x3b\x00"
    library("SCardGetAttrib", [scard.UNSUPPORTED_FEATURE, []])
    assert scard.CardHandle(7, 2).atr() == b"\x3b\x01"
    library("SCardGetAttrib", [scard.NO_SERVICE, []])
    with pytest.raises(scard.PcscError, match="8010001D"):
        scard.CardHandle(7, 2).atr()


def test_a_control_code_leaves_no_copy(library: Any) -> None:
    """What is sent to the reader itself is overwritten likewise; its answer comes as it is, its failure by name."""
    kept: list[Any] = []
    library("SCardControl", [0, [0x63, 0xC2]], keep=kept)
    assert scard.CardHandle(7, 2).control(0x42330006, bytearray(b"\x1e\x1e")) == b"\x63\xc2"
    assert kept[0] == [7, 0x42330006, [0x1E, 0x1E]]
    assert kept[1][2] == [0, 0]
    library("SCardControl", [scard.UNSUPPORTED_FEATURE, []])
    with pytest.raises(scard.PcscError, match="SCardControl: 8010001F"):
        scard.CardHandle(7, 2).control(1, b"")
