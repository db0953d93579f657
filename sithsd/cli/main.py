"""The program sithsctl: from the command line to an exit status.

What the statuses mean stands in `sithsd.cli.statuses`, and under `sithsctl --help`.
"""

import io
import os
import resource
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import click

from sithsd.api.client import Client
from sithsd.cli.daemon import Connect
from sithsd.cli.failure import CommandError, StoppedError, failure, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.output import Output
from sithsd.cli.program import program
from sithsd.cli.speech import PROGRAM, usage_sentence
from sithsd.cli.statuses import ExitStatus, exit_status
from sithsd.cli.words import LANGUAGES, Words, preferred_language
from sithsd.errors import ErrorCode


def main() -> None:
    """Run the program on this process's command line, and end it."""
    # A core file would hold the codes.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for stream in (sys.stdout, sys.stderr):
        # Names have letters that an odd locale's encoding lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:], os.environ))


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    connect: Connect = Client,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Run one command and return its exit status. Output goes to sys.stdout and sys.stderr."""
    words = Words(language(arguments, environment))
    output = Output(words)
    invocation = Invocation(words=words, output=output, connect=connect, now=now)
    try:
        outcome = program(words).main(args=list(arguments), prog_name=PROGRAM, standalone_mode=False, obj=invocation)
    except click.UsageError as error:
        found = CommandError(
            parameters(ErrorCode.REQUEST_INVALID, "the command line"), sentence=usage_sentence(error, words)
        )
        # What the command line asked for may stand behind what is wrong with it.
        output.fail(found, as_json=invocation.as_json or "--json" in arguments)
        return ExitStatus.USAGE
    except CommandError as found:
        output.fail(found, as_json=invocation.as_json)
        return exit_status(found.parameters.code)
    except (StoppedError, click.Abort) as stop:
        key = "nothing-sent" if isinstance(stop, StoppedError) else "interrupted"
        output.complain(words.say(key))
        return ExitStatus.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost place: a fault gets its name and status, and its trace
        traceback.print_exc()
        output.fail(failure(ErrorCode.INTERNAL, f"a fault: {type(error).__name__}"), as_json=invocation.as_json)
        return ExitStatus.INTERNAL
    # click gives the status of its own ends (--help), and None from a command.
    return outcome if isinstance(outcome, int) else ExitStatus.DONE


def language(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language that --lang names, else the locale's. Whether --lang is in order is for the parser to say."""
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            asked = arguments[index + 1]
        elif argument.startswith("--lang="):
            asked = argument.removeprefix("--lang=")
        else:
            continue
        if asked in LANGUAGES:
            return asked
    return preferred_language(environment)


if __name__ == "__main__":
    main()
