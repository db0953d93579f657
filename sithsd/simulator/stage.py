"""A stage: a private pcscd in mount and network namespaces of its own.

pcscd has one fixed runtime folder, and it looks for readers on the machine's USB. On a stage both are out of
everybody's way: a folder of the stage's own is mounted over /run/pcscd, and the readers are those of one of two
drivers. "ifd" is our own (`drivers/ifd`): readers with events, pads and plugs, reached by path from everywhere.
"vpcd" is vsmartcard's, which listens on every interface without authentication: the stage's network is an empty one
with a loopback interface, and what must speak to those readers is started with `spawn`. Programs outside reach the
stage's pcscd through `PCSCLITE_CSOCK_NAME`. Ending a stage ends what was started on it, and what that started and left
behind in the stage's namespaces, by pid.
"""

import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from sithsd.simulator.driver import LIBRARY, DriverError, build_driver
from sithsd.simulator.readers import NAME, PRODUCT, VARIABLE, VENDOR, Readers
from sithsd.simulator.residents import end_residents
from sithsd.simulator.vpcd_conf import reader_conf, vpcd_names

_READY_SECONDS = 10.0
_END_SECONDS = 5.0
_DRIVERS = Path("/usr/lib/pcsc/drivers")
_PLIST = f"""<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CFBundleExecutable</key><string>{LIBRARY}</string>
<key>ifdVendorID</key><array><string>0x{VENDOR:04X}</string></array>
<key>ifdProductID</key><array><string>0x{PRODUCT:04X}</string></array>
<key>ifdFriendlyName</key><array><string>{NAME}</string></array>
</dict></plist>
"""
Driver = Literal["ifd", "vpcd"]


class StageError(RuntimeError):
    """The stage can't be set up here; the message says what is missing."""


class Stage:
    """One private pcscd with `readers` virtual readers, and the folder all of it lives in.

    Use it as a context manager. `folder/pcscd.comm` is the socket, `folder/pcscd.log` what pcscd said. With
    `autostart=False` pcscd is started by `start_pcscd` only. The readers whose numbers are in `pads` have a PIN pad,
    with the driver "ifd" alone.
    """

    def __init__(
        self, readers: int = 2, *, autostart: bool = True, driver: Driver = "ifd", pads: Collection[int] = ()
    ) -> None:
        self.driver: Driver = driver
        self._count = readers
        self._autostart = autostart
        self._pads = pads
        self._library = Path()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._pcscd: subprocess.Popen[bytes] | None = None
        self._children: list[subprocess.Popen[Any]] = []
        self.folder = Path()

    @property
    def socket(self) -> Path:
        """The socket of the stage's pcscd, for PCSCLITE_CSOCK_NAME."""
        return self.folder / "pcscd.comm"

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment plus what a PC/SC program needs to find the stage's pcscd."""
        readers = {VARIABLE: str(self.readers.folder)} if self.driver == "ifd" else {}
        rest = {name: value for name, value in os.environ.items() if name != VARIABLE}
        return {**rest, **readers, "PCSCLITE_CSOCK_NAME": str(self.socket)}

    @property
    def readers(self) -> Readers:
        """The readers of the driver "ifd". Raises StageError on a stage with the other one."""
        if self.driver != "ifd":
            raise StageError("vpcd's readers can be neither unplugged nor changed")
        return Readers(self.folder / "readers")

    @property
    def reader_names(self) -> tuple[str, ...]:
        """The names that pcscd gives the readers, by their numbers, if they are plugged in in that order."""
        if self.driver == "ifd":
            return tuple(self.readers.name(number) for number in range(self._count))
        return vpcd_names(self._count)

    @property
    def pcscd_pid(self) -> int | None:
        """The process id of the running pcscd, or None."""
        return self._pcscd.pid if self._pcscd and self._pcscd.poll() is None else None

    def __enter__(self) -> Self:
        for program in ("pcscd", "unshare", "nsenter", "setpriv", "ip"):
            if shutil.which(program, path=_search_path()) is None:
                raise StageError(f"{program} is not installed (make setup installs what is needed)")
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="sithsd-stage-"))
            self.folder.chmod(0o755)
            self._lay_out_readers()
            self._enter_namespaces()
            if self._autostart:
                self.start_pcscd()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what was started on the stage, in reverse order, then what that left behind, and remove the folder."""
        for child in reversed(self._children):
            end(child)
        self._children.clear()
        if self._keeper is not None:
            end_residents(self._keeper.pid, spare=() if self._pcscd is None else (self._pcscd.pid,))
        self.stop_pcscd()
        if self._keeper is not None:
            end(self._keeper)
            self._keeper = None
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def start_pcscd(self) -> None:
        """Start pcscd and wait until its socket answers. Raises StageError with the log's last line if it does not."""
        if self.pcscd_pid is not None:
            raise StageError("pcscd runs already")
        sockets = [] if self.driver == "vpcd" else self.readers.sockets()
        for left in sockets:
            left.unlink(missing_ok=True)
        log = (self.folder / "pcscd.log").open("ab")
        with log:
            # pcscd ends with us however we end; the keeper does when its pipe closes.
            leash = ["setpriv", "--pdeathsig", "TERM"]
            # Our driver is also pcscd's libudev, for pcscd alone.
            bus = [] if self.driver == "vpcd" else [
                "env", f"LD_PRELOAD={self._library}", f"{VARIABLE}={self.readers.folder}"
            ]  # fmt: skip
            command = [*leash, *bus, "pcscd", "--foreground", "--info", "--config", str(self.folder / "reader.conf.d")]
            command += _open_to_all()
            self._pcscd = subprocess.Popen(
                self._inside(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_plain_environment()
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not (_answers(self.socket) and all(one.exists() for one in sockets)):
            if self._pcscd.poll() is not None or time.monotonic() > deadline:
                raise StageError(f"pcscd does not start: {self._last_log_line()}")
            time.sleep(0.01)

    def stop_pcscd(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End pcscd with the signal `how`, and wait until it is gone. Does nothing if it does not run."""
        if self._pcscd is not None:
            end(self._pcscd, how)
            self._pcscd = None

    def spawn(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:  # noqa: ANN401 - Popen's own
        """Start `command` inside the stage's namespaces; `options` are those of subprocess.Popen."""
        options.setdefault("env", self.environment)
        child: subprocess.Popen[Any] = subprocess.Popen(self._inside(command), **options)
        self._children.append(child)
        return child

    def run(self, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:  # noqa: ANN401
        """Run `command` inside the stage's namespaces to its end; `options` are those of subprocess.run."""
        options.setdefault("env", self.environment)
        options.setdefault("check", False)
        return subprocess.run(self._inside(command), **options)  # noqa: PLW1510 - set just above

    def _lay_out_readers(self) -> None:
        conf = self.folder / "reader.conf.d"
        conf.mkdir()
        if self.driver == "vpcd":
            (conf / "vpcd").write_text(reader_conf(self._count, self.folder), encoding="ascii")
            return
        if not _DRIVERS.is_dir():
            raise StageError(f"there is no folder {_DRIVERS}: is pcscd installed?")
        try:
            self._library = build_driver()
        except DriverError as error:
            raise StageError(str(error)) from None
        self.readers.make(self._count, self._pads)
        # A link, so that what pcscd finds as a driver and what it was given as its libudev are one library.
        contents = self.folder / "drivers" / "sithsd-ifd.bundle" / "Contents"
        (contents / "Linux").mkdir(parents=True)
        (contents / "Linux" / LIBRARY).symlink_to(self._library)
        (contents / "Info.plist").write_text(_PLIST, encoding="ascii")

    def _inside(self, command: Sequence[str]) -> list[str]:
        if self._keeper is None:
            raise StageError("the stage is not set up")
        # nsenter changes its own namespaces and then becomes the command: the pid is the command's own.
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", str(self._keeper.pid), "--mount", "--net", *user, f"--wd={Path.cwd()}", *command]

    def _enter_namespaces(self) -> None:
        # The keeper holds the namespaces open and ends when its standard input does, so also when we are killed.
        script = (
            "ip link set lo up && if [ ! -d /run/pcscd ]; then mount -t tmpfs tmpfs /run && mkdir /run/pcscd; fi"
            ' && mount --bind "$1" /run/pcscd && if [ -d "$1/drivers" ]; then mount --bind "$1/drivers" "$2"; fi'
            " && echo ready && exec cat"
        )
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        command = ["unshare", "--mount", "--net", *user, "sh", "-c", script, "sh", str(self.folder), str(_DRIVERS)]
        self._keeper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_plain_environment()
        )
        if _first_line(self._keeper.stdout) == b"ready\n":
            return
        self._keeper.kill()
        said = self._keeper.communicate()[1].decode(errors="replace").strip()
        raise StageError(
            f"namespaces of its own are refused here ({said or 'no answer'}): run as root, or allow unprivileged user"
            " namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)"
        )

    def _last_log_line(self) -> str:
        lines = (self.folder / "pcscd.log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"


def end(child: subprocess.Popen[Any], how: signal.Signals = signal.SIGTERM) -> None:
    """End one child process that we started, and reap it; SIGKILL after five seconds. Its pipes are closed."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            child.send_signal(how)
        try:
            child.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def _first_line(pipe: IO[bytes] | None) -> bytes:
    if pipe is None:
        return b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        return pipe.readline() if selector.select(_READY_SECONDS) else b""


def _answers(path: Path) -> bool:
    import socket  # noqa: PLC0415 - the module's name is also a property's

    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _open_to_all() -> list[str]:
    # A pcscd built with polkit (Debian 13) asks the system's bus about each client, root too, and refuses where there
    # is none. One built without it does not know the option.
    said = subprocess.run(
        ["pcscd", "--help"], stdin=subprocess.DEVNULL, capture_output=True, check=False, env=_plain_environment()
    )
    option = "--disable-polkit"
    return [option] if option.encode() in said.stdout + said.stderr else []


def _search_path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _plain_environment() -> Mapping[str, str]:
    return {**os.environ, "PATH": _search_path(), "LC_ALL": "C"}
