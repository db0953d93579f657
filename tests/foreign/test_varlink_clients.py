"""Other people's varlink clients against the daemon: they introspect, call, stream, and understand our errors.

Everything here asks only what any daemon with one card in one reader answers, so the `daemon` fixture decides which
daemon it is.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import asyncvarlink
import pytest
import varlink
from asyncvarlink.serviceinterface import (
    InterfaceNotFound,
    InvalidParameter,
    MethodNotFound,
    VarlinkServiceInterface,
)

CARDS, CODES = "io.sithsd.Cards", "io.sithsd.Codes"
FAKE_DAEMON = Path(__file__).parent.parent / "api" / "fake_daemon.py"


@dataclass
class Daemon:
    """A daemon that runs: its sockets, a code that is right and one that is wrong, and a way to make an event."""

    folder: Path
    right_code: str
    wrong_code: str
    change: Callable[[], None]

    def address(self, interface: Any) -> str:
        """Return the varlink address of an interface."""
        return f"unix:{self.folder / interface}"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Any]:
    """Start the daemon that the clients talk to."""
    folder = Path(tempfile.mkdtemp(prefix="sithsd-varlink-"))
    process = subprocess.Popen(
        [sys.executable, str(FAKE_DAEMON), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def change() -> None:
        process.stdin.write("change\n")
        process.stdin.flush()

    try:
        assert process.stdout.readline() == "ready\n"
        yield Daemon(folder, right_code="112233", wrong_code="000000", change=change)
    finally:
        process.communicate()
        shutil.rmtree(folder)


# The varlink package: its Python interface.


@pytest.mark.parametrize("name", [CARDS, CODES])
def test_varlink_introspects(daemon: Any, name: str) -> None:
    """It learns product and interfaces, fetches the texts and parses them."""
    with varlink.Client.new_with_address(daemon.address(name)) as client:
        assert client.get_interfaces() == [name, "org.varlink.service"]
        assert client.info["product"] == "sithsd"
        for served in client.get_interfaces():
            assert client.get_interface(served).name == served


def test_varlink_calls(daemon: Any) -> None:
    """A call through methods that it made from the text gives what the text promises."""
    with varlink.Client.new_with_address(daemon.address(CARDS)) as client, client.open(CARDS) as cards:
        reader, *_others = cards.List()["readers"]
        assert reader["state"] == "ready"
        certificates = cards.GetCertificates(reader["name"])
        assert certificates["reader"] == reader["name"]
        assert certificates["certificates"][0]["der"]
        assert {code["role"] for code in cards.GetCodes()["codes"]} >= {"authentication"}


def test_varlink_streams(daemon: Any) -> None:
    """With _more it gets the state first and then a change."""
    with (
        varlink.Client.new_with_address(daemon.address(CARDS)) as client,
        client.open(CARDS) as cards,
        closing(cards.Monitor(_more=True)) as replies,
    ):
        first = next(replies)
        assert first["event"] == "state"
        daemon.change()
        second = next(replies)
        assert second["event"] == "changed"
        assert second["sequence"] > first["sequence"]
        assert second["readers"]


def test_varlink_gets_one_state_without_more(daemon: Any) -> None:
    """Without _more the stream is one reply, and the connection goes on."""
    with varlink.Client.new_with_address(daemon.address(CARDS)) as client, client.open(CARDS) as cards:
        assert cards.Monitor()["event"] == "state"
        assert cards.List()["readers"]


def test_varlink_gets_our_errors(daemon: Any) -> None:
    """An error has the name from the text, and its parameters; the connection goes on."""
    with varlink.Client.new_with_address(daemon.address(CODES)) as client, client.open(CODES) as codes:
        with pytest.raises(varlink.VarlinkError) as caught:
            codes.Verify("authentication", daemon.wrong_code)
        assert caught.value.error() == "io.sithsd.Codes.PinWrong"
        parameters = caught.value.parameters()
        assert parameters["code"] == "pin.wrong"
        assert parameters["retryable"] is False
        assert parameters["triesLeft"] in {1, 2}
        done = codes.Verify(role="authentication", code=daemon.right_code)
        assert (done["role"], done["triesLeft"]) == ("authentication", 3)


def test_varlink_gets_the_code_of_a_wrong_parameter(daemon: Any) -> None:
    """A missing field, and a role that is none, are request.invalid with the field's name."""
    with varlink.Client.new_with_address(daemon.address(CODES)) as client, client.open(CODES) as codes:
        for parameters, field in (({"code": "1"}, "role"), ({"role": "janitor", "code": "1"}, "role")):
            with pytest.raises(varlink.VarlinkError) as caught:
                codes.Verify(**parameters)
            assert caught.value.error() == "io.sithsd.Codes.RequestInvalid"
            assert caught.value.parameters()["code"] == "request.invalid"
            assert caught.value.parameters()["detail"].startswith(f"{field}:")


def test_varlink_knows_varlinks_errors(daemon: Any) -> None:
    """Asking for another interface is its own InterfaceNotFound."""
    client = varlink.Client.new_with_address(daemon.address(CARDS))
    # It would leave a connection of its own open.
    with closing(client.open_connection()) as connection, pytest.raises(varlink.InterfaceNotFound):
        client.open(CODES, connection=connection)


# The varlink package: its command line.


def command(*arguments: str, limit: float | None = None) -> tuple[int, str, str]:
    """Run the command line; returns (exit status, standard output, standard error)."""
    done = subprocess.run(
        [sys.executable, "-m", "varlink.cli", *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=limit or 60,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_varlink_command_tells_about_the_service(daemon: Any) -> None:
    """`info` lists the interfaces, `help` prints the text as it is in the sources."""
    status, out, _err = command("info", daemon.address(CARDS))
    assert status == 0
    assert CARDS in out.split()
    status, out, _err = command("help", f"{daemon.address(CARDS)}/{CARDS}")
    assert status == 0
    assert "method Monitor(unmasked: ?bool)" in out


def test_the_varlink_command_calls(daemon: Any) -> None:
    """`call` prints the reply as JSON, and an error by its name."""
    status, out, _err = command("call", f"{daemon.address(CARDS)}/{CARDS}.List")
    assert status == 0
    assert json.loads(out)["readers"][0]["state"] == "ready"
    verify = f"{daemon.address(CODES)}/{CODES}.Verify"
    _status, _out, err = command("call", verify, json.dumps({"role": "authentication", "code": "letters"}))
    assert "io.sithsd.Codes.PinMalformed" in err
    status, out, _err = command("call", verify, json.dumps({"role": "authentication", "code": daemon.right_code}))
    assert (status, json.loads(out)["triesLeft"]) == (0, 3)


def test_the_varlink_command_streams(daemon: Any) -> None:
    """`call --more` prints the state and goes on with the changes."""
    with subprocess.Popen(
        [sys.executable, "-m", "varlink.cli", "call", "--more", f"{daemon.address(CARDS)}/{CARDS}.Monitor"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        events = []
        for line in process.stdout:
            if line.startswith('  "event"'):
                events.append(line.split('"')[3])
                if events == ["state"]:
                    daemon.change()
                if events == ["state", "changed"]:
                    process.terminate()
                    break
    assert events == ["state", "changed"]


# The asyncvarlink package, which takes shapes and errors strictly.


class Verdict(TypedDict):
    """A type of io.sithsd.Cards."""

    status: str
    reasons: list[str]


class CodeState(TypedDict):
    """A type of io.sithsd.Cards."""

    role: str
    triesLeft: int | None
    blocked: bool | None
    activated: bool | None
    verified: bool
    maxTries: int | None
    minLength: int | None
    maxLength: int | None
    notLast: bool


class Evidence(TypedDict):
    """A type of io.sithsd.Cards."""

    fingerprint: str
    serialNumber: str
    status: str
    subject: str | None
    source: str | None
    url: str | None
    signer: str | None
    thisUpdate: str | None
    nextUpdate: str | None
    producedAt: str | None
    fetchedAt: str | None
    revokedAt: str | None
    revocationReason: str | None
    failure: str | None
    detail: str | None
    nextCheck: str | None
    staleHours: int | None


class Certificate(TypedDict):
    """A type of io.sithsd.Cards."""

    id: str
    purpose: str
    identity: str
    subject: str
    issuer: str
    notBefore: str
    notAfter: str
    verdict: Verdict
    serialNumber: str
    fingerprint: str
    environment: str
    levelOfAssurance: int | None
    transport: bool
    weaknesses: list[str]
    key: str
    label: str | None
    path: list[str]
    anchor: str | None
    checkedAt: str | None
    der: str | None
    evidence: list[Evidence]
    nextCheck: str | None
    canSign: bool | None


class Holder(TypedDict):
    """A type of io.sithsd.Cards."""

    displayName: str | None
    hsaId: str | None
    personalIdentityNumber: str | None
    organization: str | None
    protected: bool | None


class Advice(TypedDict):
    """A type of io.sithsd.Cards."""

    rule: str
    action: str
    by: str | None
    since: str | None
    freeze: str | None
    freezeBegins: str | None
    freezeEnds: str | None
    months: int | None


class Card(TypedDict):
    """A type of io.sithsd.Cards."""

    serial: str | None
    profile: str | None
    environment: str
    kind: str
    cardNumber: str | None
    levelOfAssurance: int | None
    holder: Holder | None
    codes: list[CodeState]
    certificates: list[Certificate]
    atr: str
    notes: list[str]
    identifiedBy: str | None
    advice: list[Advice]


class Reader(TypedDict):
    """A type of io.sithsd.Cards."""

    name: str
    state: str
    sequence: int
    card: Card | None
    reason: str | None
    detail: str | None


class Notice(TypedDict):
    """A type of io.sithsd.Cards."""

    code: str
    at: str
    sequence: int
    reader: str
    cardSerial: str | None
    role: str
    triesBefore: int | None
    triesAfter: int | None
    happened: bool | None


class ListResult(TypedDict):
    """What List replies."""

    readers: list[Reader]
    sequence: int
    service: bool
    notices: list[Notice]


class MonitorResult(TypedDict):
    """What Monitor replies."""

    event: str
    sequence: int
    readers: list[Reader]
    service: bool
    reader: str | None
    notices: list[Notice]


class CodeResult(TypedDict):
    """What Verify, Change and Unblock reply."""

    reader: str
    cardSerial: str | None
    sequence: int
    role: str
    triesLeft: int | None
    warnings: list[str]


class Choice(TypedDict):
    """A certificate to choose from."""

    fingerprint: str
    identity: str
    subject: str
    notAfter: str


class ErrorParameters:
    """What every error of io.sithsd tells."""

    code: str
    retryable: bool
    triesLeft: int | None  # noqa: N815 - a name of the wire
    role: str | None
    statusWord: int | None  # noqa: N815 - as above
    reader: str | None
    cardSerial: str | None  # noqa: N815 - as above
    sequence: int | None
    detail: str
    rules: list[str]
    advice: str | None
    done: list[str]
    holder: str | None
    retryAfter: int | None  # noqa: N815 - as above
    choices: list[Choice]


class PinWrong(asyncvarlink.TypedVarlinkErrorReply, interface=CODES):
    """The PIN was wrong."""

    Parameters = ErrorParameters


class RequestInvalid(asyncvarlink.TypedVarlinkErrorReply, interface=CODES):
    """The request has not the form of its method."""

    Parameters = ErrorParameters


class Cards(asyncvarlink.VarlinkInterface, name=CARDS):
    """The interface as asyncvarlink wants it declared."""

    @asyncvarlink.varlinkmethod
    def List(self, *, unmasked: bool | None = None) -> ListResult:  # noqa: N802 - the method's name on the wire
        """List the readers."""

    @asyncvarlink.varlinkmethod
    async def Monitor(self) -> AsyncGenerator[MonitorResult, None]:  # noqa: N802 - as above
        """Stream the changes."""
        yield

    @asyncvarlink.varlinkmethod
    def Nothing(self) -> ListResult:  # noqa: N802 - as above
        """Call what does not exist."""


class Codes(asyncvarlink.VarlinkInterface, name=CODES):
    """The interface as asyncvarlink wants it declared, with types that let mistakes through."""

    errors = (PinWrong, RequestInvalid, MethodNotFound, InvalidParameter)

    @asyncvarlink.varlinkmethod
    def Verify(self, *, role: str | None = None, code: str) -> CodeResult:  # noqa: N802 - as above
        """Verify a code."""

    @asyncvarlink.varlinkmethod
    def Nothing(self) -> ListResult:  # noqa: N802 - as above
        """Call what does not exist."""


@asynccontextmanager
async def proxy(daemon: Any, interface: Any, socket: str | None = None) -> AsyncIterator[Any]:
    """Give asyncvarlink's proxy of an interface, over the socket of that interface or of another."""
    transport, protocol = await asyncvarlink.connect_unix_varlink(
        asyncvarlink.VarlinkClientProtocol, str(daemon.folder / (socket or interface.name))
    )
    try:
        yield protocol.make_proxy(interface)
    finally:
        transport.close()
        await transport.closed_future


@pytest.mark.parametrize("name", [CARDS, CODES])
async def test_asyncvarlink_introspects(daemon: Any, name: str) -> None:
    """Info and descriptions are exactly of the shapes that it demands, and so is the error for another interface."""
    async with proxy(daemon, VarlinkServiceInterface, name) as service:
        info = await service.GetInfo()
        assert info["interfaces"] == [name, "org.varlink.service"]
        for served in info["interfaces"]:
            described = await service.GetInterfaceDescription(interface=served)
            assert f"interface {served}\n" in described["description"]
        with pytest.raises(InterfaceNotFound) as caught:
            await service.GetInterfaceDescription(interface="com.example.none")
        assert caught.value.p_interface == "com.example.none"


async def test_asyncvarlink_calls(daemon: Any) -> None:
    """No field of a reply is missing, and none is there that the text does not name."""
    async with proxy(daemon, Cards) as cards:
        result = await cards.List(unmasked=False)
        assert result["readers"][0]["state"] == "ready"
        assert result["readers"][0]["card"]["certificates"][0]["verdict"]["status"] in {"good", "bad", "unknown"}


async def test_asyncvarlink_streams(daemon: Any) -> None:
    """It gets the state first and then a change."""
    async with proxy(daemon, Cards) as cards:
        replies = cards.Monitor()
        first = await anext(replies)
        assert first["event"] == "state"
        daemon.change()
        second = await anext(replies)
        assert second["event"] == "changed"
        assert second["sequence"] > first["sequence"]


async def test_asyncvarlink_gets_our_errors_typed(daemon: Any) -> None:
    """An error is raised as its own class, and each parameter has its type."""
    async with proxy(daemon, Codes) as codes:
        with pytest.raises(PinWrong) as caught:
            await codes.Verify(role="authentication", code=daemon.wrong_code)
        assert caught.value.p_code == "pin.wrong"
        assert caught.value.p_triesLeft in {1, 2}
        assert (await codes.Verify(role="authentication", code=daemon.right_code))["triesLeft"] == 3


async def test_asyncvarlink_gets_a_wrong_parameter_typed(daemon: Any) -> None:
    """Also when it knows org.varlink.service.InvalidParameter, the error that comes can be read."""
    async with proxy(daemon, Codes) as codes:
        with pytest.raises(RequestInvalid) as caught:
            await codes.Verify(code="1")
        assert (caught.value.p_code, caught.value.p_detail.partition(":")[0]) == ("request.invalid", "role")


async def test_asyncvarlink_knows_varlinks_errors(daemon: Any) -> None:
    """A method that is not there is its own MethodNotFound where it is declared, and a plain error elsewhere."""
    async with proxy(daemon, Codes) as codes:
        with pytest.raises(MethodNotFound) as caught:
            await codes.Nothing()
        assert caught.value.p_method == "io.sithsd.Codes.Nothing"
    async with proxy(daemon, Cards) as cards:
        with pytest.raises(asyncvarlink.GenericVarlinkErrorReply):
            await cards.Nothing()


# No client at all.


def socat(daemon: Any, interface: Any, *calls: Any) -> list[Any]:
    """Send bytes through socat, which closes its half after them, and return the replies."""
    done = subprocess.run(
        ["socat", "-t", "30", "-", f"UNIX-CONNECT:{daemon.folder / interface}"],
        input=b"".join(call + b"\0" for call in calls),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.endswith(b"\0")
    return [json.loads(reply) for reply in done.stdout[:-1].split(b"\0")]


def test_a_shell_can_ask(daemon: Any) -> None:
    """A line of text and a NUL is all it takes; a stream gives its state to who only listens."""
    replies = socat(
        daemon,
        CARDS,
        b'{"method":"io.sithsd.Cards.List"}',
        b"gibberish",
        b'{"method":"io.sithsd.Cards.List","parameters":{"colour":"red"}}',
        b'{"method":"io.sithsd.Cards.GetCodes","parameters":{}}',
    )
    assert replies[0]["parameters"]["readers"]
    assert [reply["parameters"]["code"] for reply in replies[1:3]] == ["request.invalid"] * 2
    assert replies[3]["parameters"]["codes"]
    (state, *_rest) = socat(daemon, CARDS, b'{"method":"io.sithsd.Cards.Monitor","more":true}')
    assert state["parameters"]["event"] == "state"
