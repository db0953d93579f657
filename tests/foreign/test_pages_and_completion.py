"""Manual pages and shell completion, judged by mandoc and by the shells."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SECONDS = 120
SERVICES = ("sithsd", "sithsd-fetch")
# A shell on zsh's own pseudo-terminal: completion is asked for by a key there, and by nothing else.
ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1='ready> '; fpath=($PWD \$fpath); autoload -U compinit; compinit -u -D"
zpty -w shell 'look() { zle expand-or-complete; print -r -- "completed<$BUFFER>" }; zle -N look; bindkey "^I" look'
zpty -w shell 'print set up'
zpty -r -m shell out '*print set up*set up*ready> *'
for line in 'sithsctl stat' 'sithsctl verify --rol' 'sithsctl mon'; do
    zpty -w -n shell $'\x15'$line$'\t'
    zpty -r -m shell out '*completed<sithsctl*>*'
    print -r -- ${${out##*completed<}%%>*}
done
"""
BASH = r"""
source ./sithsctl
complete -p sithsctl
for line in "sithsctl stat" "sithsctl verify --rol"; do
    COMP_WORDS=($line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
    _sithsctl_completion sithsctl
    echo "${COMPREPLY[@]}"
done
"""
FISH = 'source ./sithsctl; complete -C "sithsctl stat"; complete -C "sithsctl verify --rol"'


def shell(folder: Path, kind: str, *command: str) -> str:
    """Run a shell with the completion for it in `folder`, as the files (_)sithsctl; return what it said."""
    _demand(command[0])
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    script = run(CHECKOUT / ".ci/completion", "sithsctl", kind)
    for name in ("sithsctl", "_sithsctl"):
        (folder / name).write_text(script, encoding="utf-8")
    return run(*command, cwd=folder, env=environment)


def run(*command: str | Path, **options: Any) -> str:
    """Run a command to its good end; return what it said, its complaints too."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    """A command and an option are found by the function that the file registers with bash."""
    registered, command, option = shell(tmp_path, "bash", "bash", "--norc", "-c", BASH).splitlines()
    assert registered.endswith("-F _sithsctl_completion sithsctl")
    assert (command, option) == ("status", "--role")


def test_fish_completes_commands_and_options(tmp_path: Path) -> None:
    """A command and an option are found by fish, with what they are for."""
    command, option = shell(tmp_path, "fish", "fish", "--no-config", "-c", FISH).splitlines()
    assert command.startswith("status\t")
    assert option.startswith("--role\t")


def test_zsh_completes_commands_and_options(tmp_path: Path) -> None:
    """When the key is pressed zsh loads the file from its path, and completes at that key and at each later one."""
    assert shell(tmp_path, "zsh", "zsh", "-f", "-c", ZSH).split("\n") == [
        "sithsctl status ",
        "sithsctl verify --role ",
        "sithsctl monitor ",
        "",
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write the manual pages."""
    _demand("mandoc")
    folder = tmp_path_factory.mktemp("pages")
    run(sys.executable, CHECKOUT / ".ci/manual-pages", folder)
    return sorted(folder.rglob("*.[18]"))


def test_mandoc_takes_every_page(pages: list[Path]) -> None:
    """No page has anything that mandoc warns of."""
    assert len(pages) > 12
    assert run("mandoc", "-T", "lint", "-W", "warning", *pages) == ""


def test_every_command_has_a_page_with_its_options(pages: list[Path]) -> None:
    """What a command's own help tells is in its page: every option and, of the program, every command and status."""
    shown = {page.stem: run("mandoc", "-T", "man", page).replace("\\", "") for page in pages}
    pages_of = {*SERVICES, "sithsctl", "sithsctl-verify", "sithsctl-audit", "sithsctl-audit-export"}
    assert pages_of <= shown.keys()
    for name, text in shown.items():
        program, *command = called(name, shown.keys())
        told = run(BIN / program, *command, "--help", env={"LC_ALL": "C.UTF-8"})
        options = set(re.findall(r"--[a-z][a-z-]+", told))
        assert "--help" in options
        assert not {option for option in options if option not in text}, name
    assert set(re.findall(r"sithsctl-[a-z]+(?:-[a-z]+)*", shown["sithsctl"])) == {
        name for name in shown if len(called(name, shown.keys())) == 2
    }
    assert re.search(r"^130$", shown["sithsctl"], re.MULTILINE)


def called(page: str, pages: Collection[str]) -> list[str]:
    """Return how what a page is about is called: a word for each page that its name goes on from, and one more."""
    above = "" if page in SERVICES else max((one for one in pages if page.startswith(f"{one}-")), key=len, default="")
    return [*called(above, pages), page.removeprefix(f"{above}-")] if above else [page]


def _demand(program: str) -> None:
    if shutil.which(program) is None:
        reason = f"{program} is not installed (make setup installs it)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
