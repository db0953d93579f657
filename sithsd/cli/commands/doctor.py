"""The command that says why a log-in does not work."""

from importlib.metadata import version
from pathlib import Path

from sithsd.cli.doctor import bundle as bundles
from sithsd.cli.doctor.daemon_log import latest
from sithsd.cli.doctor.gather import gather
from sithsd.cli.doctor.machine import look
from sithsd.cli.doctor.next_step import exit_status
from sithsd.cli.doctor.report import examine, report
from sithsd.cli.doctor.view import bundle_view, doctor_view
from sithsd.cli.invocation import Invocation
from sithsd.locations import runtime_dir


def doctor(invocation: Invocation, *, reader: str | None, bundle: str | None, identities: bool) -> int:
    """Walk the chain, say what was found and what to do next, and write it to a file if one is named.

    Returns 0 if a log-in could work, else the status that belongs to the first broken link.
    """
    folder = runtime_dir(invocation.folder)
    facts = gather(invocation.daemon, folder, look(invocation.now()), version("sithsd"), reader)
    checks = examine(facts)
    contents: list[str] = []
    if bundle is not None:
        written = bundles.bundle(facts, checks, latest(), identities=identities)
        bundles.write(Path(bundle), written)
        contents = written["contents"]
    words, output = invocation.words, invocation.output
    if invocation.as_json:
        beside = {} if bundle is None else {"bundle": {"path": bundle, "contents": contents}}
        output.json({**report(checks, words), **beside})
    else:
        output.show(doctor_view(checks, words))
        if bundle is not None:
            output.show(bundle_view(bundle, contents, words))
    return exit_status(checks)
