"""Helpers of the property tests, found by their names."""

import importlib.util
import sys
from pathlib import Path


def _load(name: str, path: Path) -> None:
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_load("card_bench", Path(__file__).parents[1] / "contract" / "card_bench.py")
_load("life_house", Path(__file__).with_name("life_house.py"))
for _name in ("world", "draft", "parts", "names", "cases", "agreement"):
    _load(f"bulk_{_name}", Path(__file__).with_name(f"bulk_{_name}.py"))
