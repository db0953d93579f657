"""A liar in the daemon's place, and a PAM client before it."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _neighbour(name: str) -> ModuleType:
    # Under this name the tests in this folder import it.
    spec = importlib.util.spec_from_file_location(f"pam_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bench = _neighbour("bench")


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Demand what these tests need."""
    missing = [name for name in ("pamtester", "unshare", "gcc") if shutil.which(name) is None]
    if not bench.MODULE.exists():
        missing.append("pam_sithsd.so")
    if missing:
        reason = f"not there: {', '.join(missing)} (make setup installs and builds them)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def authority(forge: Any) -> Any:
    """Make a root, and an issuing CA under it."""
    root = forge.authority("SIM Root")
    return root, forge.authority("SIM Person CA", issuer=root)


@pytest.fixture(scope="session")
def person(forge: Any, authority: Any) -> Any:
    """Make the certificate of the card."""
    return forge.person(bench.HSA_ID, issuer=authority[1])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a liar who has the card of a certificate; return it and a client for the account of that card."""
    with ExitStack() as stack:

        def start(made: Any, **options: Any) -> tuple[Any, Any]:
            liar = stack.enter_context(bench.Liar(made, **options).serving())
            return liar, bench.Client(tmp_path, liar.folder, identity=f"hsaId:{bench.HSA_ID}")

        yield start


@pytest.fixture
def stage(serve: Callable[..., Any], person: Any) -> Any:
    """Start a liar and a client for the ordinary card."""
    return serve(person)
