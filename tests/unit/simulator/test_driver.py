"""The reader driver's build: by make, where it is needed, once."""

from pathlib import Path

import pytest

from sithsd.simulator import driver as module
from sithsd.simulator.driver import DriverError, build_driver


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out an installed package with the driver's source in it, and a cache folder of the test's own."""
    source = tmp_path / "site-packages" / "sithsd" / "_drivers" / "ifd"
    source.mkdir(parents=True)
    checkout = Path(__file__).parents[3] / "drivers" / "ifd"
    for each in checkout.iterdir():
        (source / each.name).write_bytes(each.read_bytes())
    monkeypatch.setattr(module, "_package", str(source.parents[1] / "__init__.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return source


def test_an_installed_package_builds_it_into_the_users_cache(package: Path, tmp_path: Path) -> None:
    """The source stays as it is; a second call builds nothing, a changed source is built anew."""
    before = sorted(path.name for path in package.iterdir())
    library = build_driver()
    assert library == tmp_path / "cache" / "sithsd" / "ifd" / "libsithsd-ifd.so"
    assert library.read_bytes()[:4] == b"\x7fELF"
    assert sorted(path.name for path in package.iterdir()) == before
    built = library.stat()
    assert build_driver().stat().st_ino == built.st_ino
    (package / "bus.h").touch()
    assert build_driver().stat().st_ino != built.st_ino
    assert [path.name for path in library.parent.iterdir()] == [library.name]


def test_a_source_that_does_not_compile_is_told(package: Path) -> None:
    """The compiler's words are in the error, and what was built before is left."""
    library = build_driver()
    (package / "ifd.c").write_text("#error made up\n")
    with pytest.raises(DriverError, match="gcc and libpcsclite-dev are needed"):
        build_driver()
    assert library.exists()


def test_without_make_it_is_said_what_is_missing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names what to install."""
    assert package.is_dir()
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(DriverError, match="make is not installed"):
        build_driver()
