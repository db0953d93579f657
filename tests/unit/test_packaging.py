"""The wheel: what a machine gets that has no checkout."""

import ast
import configparser
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {
    "sithsd": "sithsd.daemon.main:main",
    "sithsd-fetch": "sithsd.fetch.main:main",
    "sithsctl": "sithsd.cli.main:main",
    "sithsd-sim": "sithsd.simulator.main:main",
}


def files(folder: Path) -> Iterator[str]:
    """Yield the files of the checkout below `folder`, by their paths within it, without what Python left there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout, with the locked tools of the virtual environment and without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay the wheel's files out as an installation has them."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_every_file_of_the_package_is_in_the_wheel(unpacked: Path) -> None:
    """Interface texts, sentences in every language and tables are found beside the modules that read them."""
    packed = set(files(unpacked / "sithsd"))
    assert set(files(ROOT / "sithsd")) <= packed
    assert {"api/io.sithsd.Cards.varlink", "api/io.sithsd.Codes.varlink", "py.typed"} <= packed
    assert {name.rsplit("/", 1)[1] for name in packed if name.endswith(".ftl")} >= {"sv.ftl", "en.ftl"}


@pytest.mark.parametrize(("source", "place"), [("drivers", "_drivers"), ("fixtures/cards", "_fixtures/cards")])
def test_data_from_outside_the_package_is_in_the_wheel(source: str, place: str, unpacked: Path) -> None:
    """Card families and simulated cards come along, byte for byte: a new folder under drivers/ needs no other word."""
    wanted = {name: (ROOT / source / name).read_bytes() for name in files(ROOT / source)}
    assert [name for name in wanted if name.endswith(".toml")]
    packed = unpacked / "sithsd" / place
    assert {name: (packed / name).read_bytes() for name in files(packed)} == wanted


def test_nothing_else_is_in_the_wheel(unpacked: Path) -> None:
    """No tests, no units, no tools, no secrets: the package, what was forced into it, and its own metadata."""
    top = {path.name for path in unpacked.iterdir()}
    assert top == {"sithsd", f"sithsd-{version()}.dist-info"}
    inside = set(files(unpacked / "sithsd"))
    from_outside = {name for name in inside if name.startswith(("_drivers/", "_fixtures/"))}
    assert inside - from_outside == set(files(ROOT / "sithsd"))


def test_the_licence_comes_along(unpacked: Path) -> None:
    """The text of the licence is where PEP 639 puts it."""
    licence = unpacked / f"sithsd-{version()}.dist-info" / "licenses" / "LICENSE"
    assert licence.read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize(("program", "target"), PROGRAMS.items())
def test_each_program_has_a_function_to_start(program: str, target: str, unpacked: Path) -> None:
    """An entry point names a function that its module, in the wheel, defines."""
    entries = configparser.ConfigParser(delimiters=("=",))
    entries.optionxform = str  # type: ignore[assignment, method-assign] - names keep their case
    entries.read(unpacked / f"sithsd-{version()}.dist-info" / "entry_points.txt")
    assert dict(entries["console_scripts"]) == PROGRAMS
    assert entries["console_scripts"][program] == target
    module, function = target.split(":")
    text = (unpacked / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    assert function in {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("target", PROGRAMS.values(), ids=PROGRAMS)
def test_each_program_answers_from_the_wheel(target: str, unpacked: Path, tmp_path: Path) -> None:
    """Away from the checkout each program starts with the wheel's own files, and says how it is used."""
    module, function = target.split(":")
    script = (
        f"import sys, {module} as program\n"
        f"assert program.__file__.startswith({str(unpacked)!r}), program.__file__\n"
        f"sys.argv[1:] = ['--help']\n"
        f"sys.exit(program.{function}())\n"
    )
    answered = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answered.returncode == 0, answered.stderr
    assert "--help" in answered.stdout


def version() -> str:
    """Return the version that pyproject.toml tells."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert isinstance(told, str)
    return told


def test_every_version_is_the_same() -> None:
    """The package and Debian's changelog tell the version that the metadata has."""
    changes = (ROOT / "debian" / "changelog").read_text(encoding="utf-8")
    assert changes.startswith(f"sithsd ({version()}) ")
    text = (ROOT / "sithsd" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{version()}"' in text


def test_every_file_for_the_system_has_its_place() -> None:
    """`make install` knows each file of systemd/: units by their kind, the others by name."""
    rules = (ROOT / ".ci" / "install.mk").read_text(encoding="utf-8")
    for name in files(ROOT / "systemd"):
        assert name == "README.md" or f"systemd/{name}" in rules or f"systemd/*{Path(name).suffix}" in rules, name


def test_every_dependency_is_locked_with_hashes() -> None:
    """What an installation gets is decided in the lock files: each line has an exact version and its files' hashes."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        "runtime.lock": told["project"]["dependencies"],
        "dev.lock": [*told["project"]["dependencies"], *told["dependency-groups"]["dev"]],
        "build.lock": told["dependency-groups"]["build"],
    }
    for name, requirements in wanted.items():
        text = (ROOT / ".ci" / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
        locked = {line.split("==")[0]: line for line in text.splitlines() if line and not line.startswith("#")}
        assert all("==" in line and "--hash=sha256:" in line for line in locked.values()), name
        for requirement in requirements:
            distribution = requirement.split(">")[0].split("[")[0].strip().lower().replace(".", "-").replace("_", "-")
            assert distribution in locked, f"{requirement} is not in {name}: run .ci/lock"
