"""The command line itself: its help, its errors, and that it never takes or repeats a code."""

from collections.abc import Callable
from importlib.metadata import version

import click
import pytest

from sithsd.cli.main import language, run
from sithsd.cli.program import program
from sithsd.cli.statuses import ExitStatus
from sithsd.cli.words import LANGUAGES, Words
from tests.unit.cli.conftest import FakeDaemon, Outcome, Refusal

Run = Callable[..., Outcome]
CANARY = "739146"
COMMANDS = [
    "status",
    "monitor",
    "lock-on-removal",
    "certificates",
    "validity",
    "codes",
    "doctor",
    "verify",
    "change",
    "unblock",
    "authenticate",
    "sign",
    "activate",
    "report",
    "ssh-agent",
    "anchors",
    "audit",
    "sightings",
]


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize("command", ["verify", "change", "unblock", "activate"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--role", "authentication", "--code", CANARY],
        ["--role", "authentication", f"--code={CANARY}"],
        ["--role", "authentication", "--pin", CANARY],
        ["--role", "authentication", CANARY],
        ["--role", "authentication", f"--{CANARY}"],
        ["--role", "authentication", f"-{CANARY}"],
        ["--role", "authentication", f"-c{CANARY}"],
        ["--role", "authentication", f"--spend-last-try={CANARY}"],
        ["--role", "authentication", "--code-fd", f"x{CANARY}"],
        ["--role", "authentication", "--code-fd", f"-{CANARY}"],
        ["--role", CANARY],
        [CANARY],
    ],
)
def test_a_code_on_the_command_line_is_neither_taken_nor_repeated(
    sithsctl: Run, command: str, arguments: list[str], form: list[str]
) -> None:
    """Whoever writes a code as an argument gets an error, status 2, and no digit of it on screen or in a log."""
    outcome = sithsctl(command, *arguments, *form)
    assert outcome.status == ExitStatus.USAGE
    everything = outcome.out + outcome.err
    assert everything
    assert not any(part in everything for part in (CANARY, CANARY[:3], "'7", "-7"))


def test_a_descriptor_that_is_a_code_is_not_repeated(daemon: FakeDaemon, sithsctl: Run) -> None:
    """A code given as the number of the descriptor is a descriptor that is not open, and is not quoted."""
    outcome = sithsctl("verify", "--role", "authentication", "--code-fd", CANARY)
    assert outcome.status == ExitStatus.USAGE
    assert CANARY not in outcome.out + outcome.err
    assert daemon.requests == []


def test_no_command_has_an_option_for_a_code() -> None:
    """There is no option whose value is a code, in any command."""
    commands = program(Words("en")).commands
    assert list(commands) == COMMANDS
    audit = commands["audit"]
    assert isinstance(audit, click.Group)
    takes_text = {
        name
        for command in (*commands.values(), *audit.commands.values())
        for option in command.params
        for name in option.opts
        if option.type is click.STRING and not option.is_flag  # type: ignore[attr-defined]
    }
    assert takes_text == {"--reader", "--runtime-dir", "--id", "--card-serial", "--answer", "--card", "--session"}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        (
            ["status", "--nonsense"],
            {"en": "There is no option --nonsense.", "sv": "Det finns ingen flagga --nonsense."},
        ),
        (["nonsense"], {"en": "There is no such command.", "sv": "Det finns inget sådant kommando."}),
        (["verify"], {"en": "--role is missing.", "sv": "--role saknas."}),
        (["verify", "--role", "puk"], {"en": "authentication, signature", "sv": "authentication, signature"}),
        (["codes", "doctor", "--reader"], {"en": "--reader takes", "sv": "--reader tar"}),
        (["status", "more"], {"en": "too many words", "sv": "för många ord"}),
        (["--lang", "tlh", "status"], {"en": "en, sv", "sv": "en, sv"}),
    ],
)
def test_usage_errors_are_sentences(sithsctl: Run, lang: str, arguments: list[str], sentences: dict[str, str]) -> None:
    """What is wrong with a command line is said in the person's language, with where help is; the status is 2."""
    outcome = sithsctl(*arguments, lang=lang)
    assert (outcome.status, outcome.out) == (2, "")
    assert sentences[lang] in " ".join(outcome.err.split())
    assert "--help" in outcome.err


def test_usage_errors_for_scripts_are_json(sithsctl: Run) -> None:
    """A script that wrote --json gets an error object for a bad command line too."""
    outcome = sithsctl("verify", "--json")
    assert outcome.json["error"]["code"] == "request.invalid"
    assert outcome.json["error"]["retryable"] is False
    assert outcome.err == ""


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("command", [[], *[[name] for name in COMMANDS]])
def test_help_is_in_the_language(sithsctl: Run, lang: str, command: list[str]) -> None:
    """--help works for every command in both languages, without a word of the other, within 80 columns."""
    outcome = sithsctl(*command, "--help", lang=lang)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith({"en": "Usage:", "sv": "Användning:"}[lang])
    others = {"en": ("Flaggor", "krävs", "Visa"), "sv": ("Options", "Commands", "required", "Show this", "Usage")}
    assert not any(word in outcome.out for word in others[lang])
    assert all(len(line) <= 80 for line in outcome.out.splitlines())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_help_has_the_table_of_exit_statuses(sithsctl: Run, lang: str) -> None:
    """A script's author finds every exit status in --help."""
    told = sithsctl("--help", lang=lang).out
    for status in ExitStatus:
        assert f"  {status.value} " in told


def test_without_a_command_help_is_shown(sithsctl: Run) -> None:
    """The bare program shows its help on stderr and does not pretend to have done something."""
    outcome = sithsctl()
    assert (outcome.status, outcome.out) == (2, "")
    assert "status" in outcome.err


def test_the_version_is_shown(sithsctl: Run) -> None:
    """--version prints the program's name and the version of the package."""
    assert sithsctl("--version").out == f"sithsctl {version('sithsd')}\n"


@pytest.mark.parametrize("arguments", [["--lang", "sv", "codes"], ["codes", "--lang", "sv"], ["codes", "--lang=sv"]])
def test_lang_wins_over_the_locale(daemon: FakeDaemon, sithsctl: Run, arguments: list[str]) -> None:
    """--lang works on either side of the command."""
    daemon.script["GetCodes"] = [Refusal("card.absent")]
    assert "Det finns inget kort i läsaren." in sithsctl(*arguments, lang="en").err


def test_a_language_that_is_none_is_left_to_the_parser() -> None:
    """An unknown --lang falls back to the locale until the parser refuses it; one without a value does too."""
    assert language(["--lang", "tlh"], {"LANG": "sv_SE.UTF-8"}) == "sv"
    assert language(["--lang"], {}) == "en"


def test_the_runtime_directory_comes_from_the_environment(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without --runtime-dir the sockets are in $RUNTIME_DIRECTORY."""
    daemon.script["List"] = [{"readers": []}]
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(daemon.folder))
    assert run(["status", "--json"], {}) == 0
    assert capfd.readouterr().out == '{"readers": []}\n'
