"""The configuration file that gives pcscd virtual readers (vsmartcard's vpcd driver)."""

import shutil
from pathlib import Path

FIRST_PORT = 0x8C7B
SLOTS_PER_ENTRY = 2
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")


def reader_conf(readers: int, folder: Path, first_port: int = FIRST_PORT, driver: Path = DRIVER) -> str:
    """Return the text of a reader.conf.d file for at least `readers` virtual readers.

    One entry gives two slots, on `first_port` and the port after it, and so on upwards. Entries that share a library
    show the same card, so each entry after the first gets a copy of the driver in `folder`.
    """
    entries = []
    for number in range((readers + SLOTS_PER_ENTRY - 1) // SLOTS_PER_ENTRY):
        library = driver
        if number:
            library = folder / f"libifdvpcd-{number}.so"
            shutil.copyfile(driver, library)
        port = first_port + number * SLOTS_PER_ENTRY
        entries.append(
            f'FRIENDLYNAME "Virtual PCD {number}"\nDEVICENAME /dev/null:{port:#x}\n'
            f"LIBPATH {library}\nCHANNELID {port:#x}\n"
        )
    return "\n".join(entries)


def vpcd_names(readers: int) -> tuple[str, ...]:
    """Return the names that pcscd gives these readers, in the order of their ports."""
    return tuple(
        f"Virtual PCD {number // SLOTS_PER_ENTRY} 00 {number % SLOTS_PER_ENTRY:02X}" for number in range(readers)
    )
