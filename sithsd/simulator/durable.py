"""Files that are there whole or not at all, whenever the process that writes them is killed."""

import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write `content` to `path`, for its owner alone: when this returns, it survives a kill and a loss of power."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor with its mode
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
