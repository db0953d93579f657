"""Diagnose: what only the daemon sees, for those who may look, and nothing of the holder in it."""

import json
from datetime import timedelta

import msgspec
import pytest
from both_interfaces import ORDINARY, Socket, open_daemon
from card_bench import TODAY
from session_house import READER, policy_with

from sithsd.api.fetch_wire import Failing, StateReply
from sithsd.policy import model as policies
from sithsd.policy import rights
from sithsd.reader import attributes
from sithsd.reader.monitor import ServiceDown
from sithsd.service import config
from sithsd.session.model import ReaderStatus
from sithsd.validity.judge import Judge
from sithsd.validity.policy import RELEASED


def number(value: int) -> bytes:
    """Return a DWORD."""
    return value.to_bytes(4, "little")


async def test_what_the_daemon_tells_of_itself(daemon: Socket) -> None:
    """Its release, start and clock, pcscd's socket, the roots that it trusts, and names of settings, no values."""
    daemon.house.clock.set(TODAY + timedelta(days=1))
    told = await daemon.call("Diagnose", ORDINARY)
    assert (told["version"], told["startedAt"]) == ("9.8.7", "2024-01-15T12:30:00Z")
    assert (told["now"], told["plausibleFrom"]) == ("2024-01-16T12:30:00Z", RELEASED.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert (told["service"], told["serviceSocket"]) == (True, "/run/pcscd/pcscd.comm")
    assert told["environments"] == ["production", "sim"]
    assert [(one["environment"], len(one["fingerprint"])) for one in told["anchors"]] == [("sim", 64)]
    assert told["anchors"][0]["subject"].startswith("CN=SIM")
    assert told["issuers"] > 0
    assert (told["settings"], told["readers"]) == (["rights.file"], [])


async def test_a_card_that_is_read(daemon: Socket) -> None:
    """By which profile and backend, why by this one, which do not fit and why; what was offered and agreed on."""
    await daemon.house.ready()
    (reader,) = (await daemon.call("Diagnose", ORDINARY))["readers"]
    assert (reader["name"], reader["state"], reader["refusal"]) == (READER, "ready", None)
    assert (reader["profile"], reader["backend"], reader["evidence"]) == ("sim_pkcs15", "pkcs15", "judged")
    assert reader["identifiedBy"].startswith("ATR and application A0")
    assert [(one["profile"], one["application"]) for one in reader["passedOver"]] == [("sim_desk", None)]
    assert (reader["offeredProtocols"], reader["protocol"]) == ([1], 1)
    assert reader["offeredRate"] == {"factor": 372, "divider": 12}
    assert reader["rate"] is reader["toldProtocol"] is reader["clockKilohertz"] is reader["usbBus"] is None
    assert reader["padVerify"] is reader["padModify"] is False


async def test_what_a_reader_tells_is_passed_on(daemon: Socket) -> None:
    """Maker, model, release, place on the USB, protocol, rate and clock, where the driver has them."""
    await daemon.house.ready()
    daemon.house.sockets[READER].attributes = {
        attributes.VENDOR_NAME: b"ACME\0",
        attributes.VENDOR_IFD_TYPE: b"Slot 1\0",
        attributes.VENDOR_IFD_VERSION: number(0x02030004),
        attributes.CHANNEL_ID: number(0x00200107),
        attributes.CURRENT_PROTOCOL_TYPE: number(2),
        attributes.CURRENT_CLK: number(4000),
        attributes.CURRENT_F: number(372),
        attributes.CURRENT_D: number(1),
    }
    (reader,) = (await daemon.call("Diagnose", ORDINARY))["readers"]
    assert (reader["vendor"], reader["model"], reader["version"]) == ("ACME", "Slot 1", "2.3.4")
    assert (reader["usbBus"], reader["usbDevice"], reader["toldProtocol"]) == (1, 7, 1)
    assert (reader["rate"], reader["clockKilohertz"]) == ({"factor": 372, "divider": 1}, 4000)


async def test_nothing_is_sent_to_the_card(daemon: Socket) -> None:
    """A diagnosis costs no command at all."""
    await daemon.house.ready()
    before = len(daemon.house.sockets[READER].sent)
    await daemon.call("Diagnose", ORDINARY)
    assert len(daemon.house.sockets[READER].sent) == before


async def test_every_profile_that_does_not_fit_a_strange_card(daemon: Socket) -> None:
    """An unsupported card: each profile with its reason, by ATR or by the card's answer."""
    daemon.house.plug()
    daemon.house.insert("strange")
    await daemon.house.status(ReaderStatus.UNSUPPORTED)
    (reader,) = (await daemon.call("Diagnose", ORDINARY))["readers"]
    assert (reader["profile"], reader["backend"], reader["identifiedBy"]) == (None, None, None)
    why = {one["profile"]: (one["application"], one["statusWord"]) for one in reader["passedOver"]}
    assert why["sim_pkcs15"] == (None, None)
    assert why["pkcs15_generic"] == ("A000000063504B43532D3135", 0x6A82)


@pytest.mark.parametrize("state", ["empty", "mute"])
async def test_a_reader_that_can_not_be_asked(daemon: Socket, state: str) -> None:
    """Without a card that answers there is no connection to ask by: everything is null, and that is no refusal."""
    daemon.house.plug()
    if state == "mute":
        daemon.house.mute()
    (reader,) = (await daemon.call("Diagnose", ORDINARY))["readers"]
    assert (reader["state"], reader["refusal"], reader["padVerify"]) == (state, None, None)
    assert (reader["protocol"], reader["offeredProtocols"], reader["offeredRate"]) == (None, [], None)


async def test_a_card_that_another_program_holds(judge: Judge) -> None:
    """The reader says so, with the program's name; what is on the board is told all the same."""
    async with open_daemon(judge) as daemon:
        await daemon.house.ready()
        object.__setattr__(daemon.house.tools, "patience", 0.05)
        daemon.house.holder = "perhaps firefox (pid 123)"
        daemon.house.sockets[READER].held.acquire()
        (reader,) = (await daemon.call("Diagnose", ORDINARY))["readers"]
        assert (reader["refusal"], reader["holder"]) == ("reader.busy", "perhaps firefox (pid 123)")
        assert (reader["state"], reader["profile"], reader["protocol"]) == ("ready", "sim_pkcs15", None)
        assert reader["offeredRate"] == {"factor": 372, "divider": 12}


async def test_one_reader_or_all(daemon: Socket) -> None:
    """A name limits it to that reader; a name that none has gives none, for it may be anything, also a code."""
    await daemon.house.ready()
    daemon.house.plug("B reader 01")
    names = [
        [one["name"] for one in (await daemon.call("Diagnose", ORDINARY, reader=name))["readers"]]
        for name in (None, READER, "123456")
    ]
    assert names == [[READER, "B reader 01"], [READER], []]


async def test_without_pcscd(daemon: Socket) -> None:
    """It is answered when there is no service and no reader."""
    await daemon.house.ready()
    daemon.house.readers.on_event(ServiceDown())
    told = await daemon.call("Diagnose", ORDINARY)
    assert (told["service"], told["readers"]) == (False, [])


async def test_nothing_of_the_holder_is_in_it(daemon: Socket) -> None:
    """No name, no number, no serial number of the card: it is for everybody."""
    bench = await daemon.house.ready()
    text = json.dumps(await daemon.call("Diagnose", ORDINARY))
    for secret in ("Tolvan", "121212", "SE2321000016", "9752", bench.card.image.serial.hex().upper()):
        assert secret not in text


def test_names_of_what_was_changed() -> None:
    """Every value that differs is named with its table, in each file; what is as shipped is not."""
    assert config.changed(config.Settings(), config.Settings()) == ()
    settings = config.Settings(
        rights=config.RightsSettings(file="/srv/rights.toml"), log=config.LogSettings(level="debug", format="json")
    )
    assert config.changed(settings, config.Settings()) == ("rights.file", "log.level", "log.format")
    policy = policy_with(budget={"minutes": 7})
    assert config.changed(policy, policies.shipped(), "policy.") == ("policy.budget.minutes",)
    given = msgspec.structs.replace(rights.shipped(), codes=("root",))
    assert config.changed(given, rights.shipped(), "rights.") == ("rights.codes",)


async def test_how_the_program_that_asks_about_revocation_fares(daemon: Socket) -> None:
    """What it tells of itself is passed on, of places that fail the first sixteen; null where it does not answer."""
    reply = await daemon.call("Diagnose", ORDINARY)
    assert (reply["fetch"], reply["fetchSocket"]) == (None, "/run/sithsd-fetch/io.sithsd.Fetch")
    failing = [Failing(url=f"http://{number}.example/", failures=number, detail="refused") for number in range(20)]
    daemon.fetching.told = StateReply(
        started="2026-11-22T06:00:00Z", stored=4, bytes=9, last_success=None, waiting=1, failing=failing, anchors=2
    )
    told = (await daemon.call("Diagnose", ORDINARY))["fetch"]
    assert (told["started"], told["lastSuccess"]) == ("2026-11-22T06:00:00Z", None)
    assert (told["stored"], told["waiting"], told["anchors"]) == (4, 1, 2)
    assert len(told["failing"]) == 16
    assert told["failing"][3] == {"url": "http://3.example/", "failures": 3, "nextTry": None}
