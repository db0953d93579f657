"""The reader driver of `drivers/ifd`, built where it is needed: by `make`, which does nothing if it is up to date."""

import os
import subprocess
from pathlib import Path

from sithsd import __file__ as _package

LIBRARY = "libsithsd-ifd.so"


class DriverError(RuntimeError):
    """The driver can't be built; the message says why."""


def build_driver() -> Path:
    """Return the driver's library, built from the checkout's source or from what the package brought along.

    Raises DriverError with the compiler's last words.
    """
    package = Path(_package).resolve().parent
    installed = package / "_drivers" / "ifd"
    if installed.is_dir():
        source = installed
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sithsd" / "ifd"
    else:
        source, cache = package.parent / "drivers" / "ifd", package.parent / ".cache" / "ifd"
    command = ["make", "--no-print-directory", "-C", str(source), f"OUT={cache}"]
    # Not under the rule of a make that may have started us.
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
        )
    except FileNotFoundError:
        raise DriverError(
            "make is not installed (the reader driver is built with make, gcc and libpcsclite-dev)"
        ) from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "make failed").splitlines()
        raise DriverError(f"the reader driver can't be built (gcc and libpcsclite-dev are needed): {said[-1]}")
    return cache / LIBRARY
