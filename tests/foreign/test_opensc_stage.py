"""sithsd-sim as a person uses it: a command on a stage, cards in and out, OpenSC beside it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SIM = f"{sys.executable} -m sithsd.simulator.main"
PLAY = f"""
set -e
{SIM} insert protected
OPENSC_CONF=/nonexistent pkcs15-tool --list-certificates | grep -c '^X.509'
{SIM} count --json
{SIM} swap reserve
OPENSC_CONF=/nonexistent opensc-tool --atr
{SIM} remove
{SIM} insert protected
echo "$STATE_DIRECTORY $RUNTIME_DIRECTORY"
exit 7
"""
KEYS = f"""
set -e
export OPENSC_CONF=/nonexistent
{SIM} insert ordinary --reader 1
opensc-tool --list-readers
pkcs15-tool --reader 1 --verify-pin --auth-id 01 </dev/null >/dev/null &
{SIM} press --reader 1 code ok
wait $!
opensc-tool --list-readers | grep -c 'Yes'
{SIM} unplug 1
until [ $(opensc-tool --list-readers | grep -c SITHS-SIM) = 1 ]; do sleep 0.05; done
opensc-tool --list-readers | grep -c SITHS-SIM
{SIM} plug 1
until opensc-tool --list-readers | grep -q Yes; do sleep 0.05; done
opensc-tool --list-readers | grep -c SITHS-SIM
"""


ANSWERS = f"""
set -e
{SIM} reset protected
curl --silent --fail --noproxy '*' http://127.0.0.1:35980/simsithseidpersonhsaid3cav1.crl >before.crl
openssl crl -inform DER -in before.crl -noout -text | grep -c 'No Revoked Certificates'
{SIM} revoke protected
curl --silent --fail --noproxy '*' http://127.0.0.1:35980/simsithseidpersonhsaid3cav1.crl >after.crl
openssl crl -inform DER -in after.crl -noout -text | grep -c 'Serial Number'
! {SIM} responder
"""


@pytest.mark.both_drivers
@pytest.mark.usefixtures("service")
def test_a_command_on_a_stage_has_readers_cards_and_its_own_exit_status(driver: str) -> None:
    """What is put in is read, counted, swapped and taken out; the stage ends all of it and its folders go away."""
    command = [*SIM.split(), "stage", "--readers", "1", "--driver", driver, "--", "sh", "-c", PLAY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 7, done.stderr
    certificates, counts, atr, folders = done.stdout.splitlines()
    assert certificates == "2"
    assert '"apdus": ' in counts
    assert '"apdus": 0,' not in counts
    assert atr == "3b:7f:96:00:00:80:31:80:65:b0:85:04:00:11:12:02:f0:82:90:00"
    for folder in folders.split():
        assert not Path(folder).exists()
    # The process in the background that served the last card ended with the stage.
    assert not list(_processes_with(folders.split()[1]))


@pytest.mark.usefixtures("service")
def test_the_authorities_answer_on_a_stage(tmp_path: Path) -> None:
    """With --responder they are there before the command, see what it revokes, and a second one is refused by name."""
    command = [*SIM.split(), "stage", "--readers", "1", "--responder", "--", "sh", "-c", ANSWERS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["1", "revoked: Legitimering HSA-id", "revoked: Underskrift HSA-id", "2"]
    assert "nothing can listen on http://127.0.0.1:35980: Address already in use" in done.stderr


@pytest.mark.usefixtures("service")
def test_a_pad_and_a_plug_on_a_stage() -> None:
    """A code from standard input is keyed in, the card takes it; the reader goes and comes back with its card."""
    command = [*SIM.split(), "stage", "--pad", "1", "--", "sh", "-c", KEYS]
    done = subprocess.run(command, input="123456\n", capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert [line for line in said if "SITHS-SIM Reader" in line and "PIN pad" in line]
    assert said[-3:] == ["1", "1", "2"]


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_stage_that_is_told_to_end_leaves_nothing_behind(how: signal.Signals) -> None:
    """SIGTERM or SIGHUP ends the command, its children, the cards' background process and pcscd; folders go away."""
    play = f'set -e; {SIM} insert ordinary; echo "$RUNTIME_DIRECTORY"; sleep 60; exit 7'
    command = [*SIM.split(), "stage", "--readers", "1", "--", "sh", "-c", play]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as staged:
        assert staged.stdout is not None
        try:
            folder = Path(staged.stdout.readline().strip()).parent
            assert folder.name.startswith("sithsd-stage-")
            # At the least: the shell, the process that serves the card, and pcscd.
            assert len(_processes_with(str(folder))) >= 3
            staged.send_signal(how)
            assert staged.wait(timeout=60) == 128 + how
        finally:
            if staged.poll() is None:
                staged.kill()
    assert not _processes_with(str(folder))
    assert not folder.exists()


def _processes_with(argument: str) -> list[int]:
    """Find the processes that have `argument` in their command line or their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if argument.encode() in line:
                found.append(int(entry.name))
    return found
