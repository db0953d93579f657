"""Checks of the programs between a log-in and a card: the daemon, pcscd, and what this user may do."""

from sithsd.cli.doctor.check import Check, Told, bad, good, skipped, unknown
from sithsd.cli.doctor.facts import Facts, Reach, Socket
from sithsd.errors import ErrorCode

DAEMON, VERSION, PCSCD, RIGHTS = "daemon", "version", "pcscd", "rights"


def daemon(facts: Facts) -> Check:
    """Tell whether the daemon's socket is there, may be connected to, and is answered."""
    info, socket = facts.info.reply, facts.cards
    told: Told = {"socket": socket.path, "reach": str(socket.reach)}
    # One that says who it is and nothing more does not do.
    if info is not None and (facts.listing.reply is not None or _denied(facts)):
        return good(DAEMON, {**told, "version": info.version})
    if socket.reach in {Reach.ABSENT, Reach.DENIED, Reach.NOT_LISTENING}:
        return bad(DAEMON, str(socket.reach), told)
    error = facts.info.error or facts.listing.error
    return bad(DAEMON, "silent", {**told, "error": error.code if error else None})


def version(facts: Facts) -> Check:
    """Tell whether the running daemon is of this program's release: after an update it may not be."""
    info, diagnosis = facts.info.reply, facts.diagnosis.reply
    if info is None:
        return skipped(VERSION)
    started = diagnosis.started_at if diagnosis else None
    told: Told = {"own": facts.own_version, "daemon": info.version, "startedAt": started}
    if info.version != facts.own_version:
        return bad(VERSION, "differs", told, hinders=False)
    return good(VERSION, told)


def pcscd(facts: Facts) -> Check:
    """Tell whether pcscd runs and the daemon reaches it. What counts is the daemon's view; ours explains it."""
    socket, listing = facts.machine.pcscd, facts.listing.reply
    diagnosis = facts.diagnosis.reply
    theirs = diagnosis.service_socket if diagnosis else None
    told: Told = {
        "socket": socket.path,
        "reach": str(socket.reach),
        "pids": list(facts.machine.pcscd_pids),
        "daemonSocket": theirs,
        "daemonReaches": listing.service if listing else None,
    }
    if listing is not None and listing.service:
        return good(PCSCD, told)
    if theirs is not None and theirs != socket.path and socket.reach is Reach.GOOD:
        return bad(PCSCD, "elsewhere", told)
    if socket.reach in {Reach.ABSENT, Reach.NOT_LISTENING}:
        return bad(PCSCD, str(socket.reach), told)
    if listing is None:
        return unknown(PCSCD, "notAsked", told)
    return bad(PCSCD, "refusesDaemon", told)


def rights(facts: Facts) -> Check:
    """Tell whether this user may log in with a card. Programs that run as root may in any case."""
    socket, may = facts.codes, facts.rights.reply
    told: Told = {"socket": socket.path, "reach": str(socket.reach), "mode": _mode(socket), "uid": facts.machine.uid}
    if facts.info.reply is None:
        return skipped(RIGHTS, told)
    if may is not None:
        told |= {
            "status": may.status,
            "codes": may.codes,
            "authenticate": may.authenticate,
            "sign": may.sign,
            "activeSession": may.active_session,
        }
    if socket.reach in {Reach.ABSENT, Reach.NOT_LISTENING}:
        return bad(RIGHTS, "noSocket", told)
    if _denied(facts):
        return bad(RIGHTS, "statusDenied", told)
    if socket.reach is Reach.DENIED or (may is not None and not may.authenticate):
        return bad(RIGHTS, "denied", told)
    if may is None:
        return unknown(RIGHTS, "untold", told)
    return good(RIGHTS, told)


def _denied(facts: Facts) -> bool:
    error = facts.listing.error
    return error is not None and error.code == ErrorCode.REQUEST_DENIED


def _mode(socket: Socket) -> str | None:
    return None if socket.mode is None else f"{socket.mode:04o}"
