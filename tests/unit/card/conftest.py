"""The contract suite's bench, for tests of single parts."""

import importlib.util
import sys
from pathlib import Path


def _bench() -> None:
    name, path = "card_bench", Path(__file__).parents[2] / "contract" / "card_bench.py"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_bench()
