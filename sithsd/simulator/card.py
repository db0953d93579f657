"""The simulated card: command APDUs in, answers out, as the chip would."""

from collections.abc import Callable
from typing import Final

from sithsd.iso7816.apdu import CommandApdu
from sithsd.iso7816.status import StatusWord
from sithsd.simulator.answers import CHAINING_UNSUPPORTED, Answer, Refusal
from sithsd.simulator.codes import Codes
from sithsd.simulator.files import MF, DedicatedFile, ElementaryFile, FileSystem
from sithsd.simulator.image import Image, Memory, Role
from sithsd.simulator.signing import SecurityEnvironment
from sithsd.simulator.transmission import BlockTransmission, CharacterTransmission, Transmission

_CHAINING, _SECURE_MESSAGING, _CHANNEL, _INTERINDUSTRY = 0x10, 0x0C, 0x03, 0x1F
# What GET DATA knows, as the MyEID applet has it: the applet's information and the card's abilities.
_INFORMATION_HEAD: Final = b"SIM  \x04\x00\x01"
_SERIAL_BYTES = 10
_ABILITIES_VALUE: Final = bytes.fromhex("01 0001 0800 0000 0000 0000")
_FID_SIZE = 2
_STATUS_WORD = 2
_Instruction = Callable[[CommandApdu], Answer]


class Card:
    """One card. It has no power until `power_on`; what it forgets without power is forgotten by `power_off`.

    Not for two threads at once: a card answers one command at a time.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._codes = Codes(memory)
        self._files = FileSystem(_build(memory.image))
        self._security = SecurityEnvironment(memory.image.keys, self._codes)
        self._powered = False
        self._transmission: Transmission = (
            CharacterTransmission(self._execute)
            if memory.image.protocol == 0
            else BlockTransmission(self._execute, extended=memory.image.extended_length)
        )
        self._instructions: dict[int, _Instruction] = {
            0xA4: self._files.select,
            0xB0: self._files.read_binary,
            0xB1: self._files.read_binary_object,
            0xCA: self._get_data,
        }
        if memory.image.codes:
            self._instructions |= {
                0x20: self._codes.verify,
                0x24: self._choosing(self._codes.change),
                0x2C: self._choosing(self._codes.reset_retry_counter),
                0x2E: self._codes.logout,
            }
        if memory.image.keys:
            self._instructions |= {0x22: self._security.manage, 0x2A: self._security.perform}
        self._refresh()

    @property
    def name(self) -> str:
        """The name of the fixture the card was made from."""
        return self._memory.image.name

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self._memory.image.atr

    @property
    def image(self) -> Image:
        """What the card was personalised with."""
        return self._memory.image

    @property
    def memory(self) -> Memory:
        """What it keeps without power."""
        return self._memory

    @property
    def powered(self) -> bool:
        """Whether the card has power."""
        return self._powered

    def tries_left(self, role: Role) -> int:
        """Return a code's counter as a look into the chip would tell. For tests."""
        return self._codes.tries_left(role)

    def power_on(self) -> bytes:
        """Give the card power; return its ATR."""
        self._forget()
        self._powered = True
        return self.atr

    def reset(self) -> bytes:
        """Reset a card that has power (a warm reset); return its ATR."""
        return self.power_on()

    def power_off(self) -> None:
        """Take the power away."""
        self._forget()
        self._powered = False

    def respond(self, command: bytes) -> bytes | None:
        """Answer one command with the bytes that go over the contacts; None would be silence. Raises as `transmit`."""
        data, status = self.transmit(command)
        return data + status.to_bytes(_STATUS_WORD, "big")

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Answer one command as it arrives at the contacts; return data field and status word.

        Under T=0 that includes 61XX and 6CXX. Raises RuntimeError without power: nothing would answer.
        """
        if not self._powered:
            raise RuntimeError("the card has no power")
        return self._transmission.transmit(command)

    def _forget(self) -> None:
        self._transmission.reset()
        self._files.reset()
        self._codes.reset()
        self._security.reset()

    def _execute(self, command: CommandApdu) -> Answer:
        _check_class(command.cla)
        instruction = self._instructions.get(command.ins)
        if instruction is None:
            raise Refusal(StatusWord.INSTRUCTION_NOT_SUPPORTED)
        return instruction(command)

    def _choosing(self, instruction: _Instruction) -> _Instruction:
        def chosen(command: CommandApdu) -> Answer:
            answer = instruction(command)
            self._refresh()
            return answer

        return chosen

    def _get_data(self, command: CommandApdu) -> Answer:
        if command.data or command.le is None:
            raise Refusal(StatusWord.WRONG_LENGTH)
        match command.p1 << 8 | command.p2:
            case 0x01A0 if self._memory.image.keys:
                serial = self._memory.image.serial.rjust(_SERIAL_BYTES, b"\0")[:_SERIAL_BYTES]
                return Answer(_INFORMATION_HEAD + serial + b"\0\0")
            case 0x01AA if self._memory.image.keys:
                return Answer(_ABILITIES_VALUE)
            case _:
                raise Refusal(StatusWord.REFERENCED_DATA_NOT_FOUND)

    def _refresh(self) -> None:
        # Of several that fit, the one that waited for the most codes tells the present state.
        image = self._memory.image
        there = {file.path for file in image.files}
        due = {
            late: frozenset(late.chosen) or self._codes.references for late in image.late_files if late.path in there
        }
        for late in sorted(due, key=lambda each: len(due[each])):
            file = self._files.at(late.path)
            if due[late] <= self._codes.chosen and isinstance(file, ElementaryFile):
                file.content = late.content


def _check_class(cla: int) -> None:
    if cla & ~_INTERINDUSTRY:
        raise Refusal(StatusWord.CLASS_NOT_SUPPORTED)
    if cla & _SECURE_MESSAGING:
        raise Refusal(StatusWord.SECURE_MESSAGING_UNSUPPORTED)
    if cla & _CHANNEL:
        raise Refusal(StatusWord.LOGICAL_CHANNEL_UNSUPPORTED)
    if cla & _CHAINING:
        raise Refusal(CHAINING_UNSUPPORTED)


def _build(image: Image) -> DedicatedFile:
    root = DedicatedFile(MF)
    for file in image.files:
        folder = _folder(root, file.path[:-_FID_SIZE], image)
        folder.add(ElementaryFile(_last(file.path), file.content, sfi=file.sfi))
    for key in image.keys:
        folder = _folder(root, key.path[:-_FID_SIZE], image)
        folder.add(ElementaryFile(_last(key.path), None, guard=key.guard))
    for path in image.applications:
        _folder(root, bytes.fromhex(path), image)
    return root


def _folder(root: DedicatedFile, path: bytes, image: Image) -> DedicatedFile:
    here = root
    for end in range(2 * _FID_SIZE, len(path) + 1, _FID_SIZE):
        fid = _last(path[:end])
        child = here.children.get(fid)
        if child is None:
            child = DedicatedFile(fid, aid=image.applications.get(path[:end].hex().upper(), b""))
            here.add(child)
        if not isinstance(child, DedicatedFile):
            raise TypeError(f"{path.hex()} leads through a file that is no DF")
        here = child
    return here


def _last(path: bytes) -> int:
    return int.from_bytes(path[-_FID_SIZE:], "big")
