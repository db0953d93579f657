"""Signatures: MANAGE SECURITY ENVIRONMENT and PERFORM SECURITY OPERATION (ISO/IEC 7816-8:2021, 10 and 11).

The ways in are those of the MyEID applet, because that is what OpenSC speaks to this card: algorithm reference 02 pads
by PKCS#1 v1.5 what comes in 2A 9E 9A (a DigestInfo); algorithm reference 00 is the bare RSA operation on a block as
long as the modulus, which comes in two halves by 2A 80 86 with the padding indicators 81 and 82. That is how PSS
gets in.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from sithsd.iso7816 import tlv
from sithsd.iso7816.apdu import CommandApdu
from sithsd.iso7816.status import StatusWord
from sithsd.simulator.answers import Answer, Refusal
from sithsd.simulator.codes import Codes
from sithsd.simulator.image import KeyOnCard

_SET = 0x41
_SIGNATURE_TEMPLATE, _CONFIDENTIALITY_TEMPLATE = 0xB6, 0xB8
_ALGORITHM, _FILE, _KEY = 0x80, 0x81, 0x84
_RAW, _PKCS1 = 0x00, 0x02
_COMPUTE_SIGNATURE, _DECIPHER = (0x9E, 0x9A), (0x80, 0x86)
_PKCS1_OVERHEAD = 11
_FID_SIZE = 2


@dataclass(frozen=True, slots=True)
class _Environment:
    template: int
    algorithm: int
    key: KeyOnCard


class SecurityEnvironment:
    """The keys, the one that is set, and half a block that waits for the other half."""

    def __init__(self, keys: tuple[KeyOnCard, ...], codes: Codes) -> None:
        self._keys = keys
        self._codes = codes
        self._current: _Environment | None = None
        self._half: bytes | None = None

    def reset(self) -> None:
        """Forget the environment: the card lost power or another application was selected."""
        self._current, self._half = None, None

    def manage(self, command: CommandApdu) -> Answer:
        """MSE SET for signature (B6) or confidentiality (B8) templates."""
        if command.p1 != _SET or command.p2 not in {_SIGNATURE_TEMPLATE, _CONFIDENTIALITY_TEMPLATE}:
            raise Refusal(StatusWord.INCORRECT_P1_P2)
        self.reset()
        try:
            given = {item.tag: item.value for item in tlv.parse(command.data)}
        except tlv.TlvError:
            raise Refusal(StatusWord.INCORRECT_DATA) from None
        if not given or not given.keys() <= {_ALGORITHM, _FILE, _KEY}:
            raise Refusal(StatusWord.INCORRECT_DATA)
        algorithm = given.get(_ALGORITHM, bytes([_PKCS1]))
        if algorithm not in (bytes([_RAW]), bytes([_PKCS1])):
            raise Refusal(StatusWord.INCORRECT_DATA)
        self._current = _Environment(command.p2, algorithm[0], self._find(given.get(_FILE), given.get(_KEY)))
        return Answer()

    def perform(self, command: CommandApdu) -> Answer:
        """PSO COMPUTE DIGITAL SIGNATURE (9E 9A), or the bare operation by way of DECIPHER (80 86)."""
        operation = (command.p1, command.p2)
        if operation not in (_COMPUTE_SIGNATURE, _DECIPHER):
            raise Refusal(StatusWord.INCORRECT_P1_P2)
        template = _SIGNATURE_TEMPLATE if operation == _COMPUTE_SIGNATURE else _CONFIDENTIALITY_TEMPLATE
        half, self._half = self._half, None
        if self._current is None or self._current.template != template:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        key = self._current.key
        if not self._codes.is_verified(key.guard):
            raise Refusal(StatusWord.SECURITY_STATUS_NOT_SATISFIED)
        if not command.data:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if operation == _DECIPHER:
            return self._in_halves(key, command, half)
        return self._sign(key, self._current.algorithm, command.data, command.le)

    def _in_halves(self, key: KeyOnCard, command: CommandApdu, half: bytes | None) -> Answer:
        if self._current is None or self._current.algorithm != _RAW:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        indicator, body = command.data[0], command.data[1:]
        match indicator:
            case 0x81:
                self._half = body
                return Answer()
            case 0x82:
                if half is None:
                    raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
                return self._sign(key, _RAW, half + body, command.le)
            case 0x00:
                return self._sign(key, _RAW, body, command.le)
            case _:
                raise Refusal(StatusWord.INCORRECT_DATA)

    def _sign(self, key: KeyOnCard, algorithm: int, data: bytes, le: int | None) -> Answer:
        if le is None:
            raise Refusal(StatusWord.WRONG_LENGTH)
        # The key is one that we made ourselves; checking its primes would take longer than signing.
        private = load_der_private_key(key.pkcs8, None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(private, RSAPrivateKey):
            raise TypeError("a card's key is an RSA key")
        numbers = private.private_numbers()
        modulus = numbers.public_numbers.n
        size = (modulus.bit_length() + 7) // 8
        if algorithm == _PKCS1:
            if len(data) > size - _PKCS1_OVERHEAD:
                raise Refusal(StatusWord.WRONG_LENGTH)
            data = b"\0\1" + b"\xff" * (size - 3 - len(data)) + b"\0" + data
        if len(data) != size:
            raise Refusal(StatusWord.WRONG_LENGTH)
        block = int.from_bytes(data, "big")
        if block >= modulus:
            raise Refusal(StatusWord.INCORRECT_DATA)
        if key.consent:
            self._codes.withdraw(key.guard)
        half_p = pow(block, numbers.dmp1, numbers.p)
        half_q = pow(block, numbers.dmq1, numbers.q)
        result = half_q + numbers.q * ((half_p - half_q) * numbers.iqmp % numbers.p)
        return Answer(result.to_bytes(size, "big"))

    def _find(self, file: bytes | None, reference: bytes | None) -> KeyOnCard:
        for key in self._keys:
            if file is not None:
                # MyEID names the key by its file alone, and its key reference is always 00.
                if key.path.endswith(file) and len(file) in {_FID_SIZE, len(key.path)} and reference in {None, b"\0"}:
                    return key
            elif reference == bytes([key.reference]):
                return key
        raise Refusal(StatusWord.REFERENCED_DATA_NOT_FOUND)
