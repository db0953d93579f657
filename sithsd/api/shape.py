"""Parameters from JSON into their shape, without a code ever becoming a str, and without an error that quotes it.

A str can't be overwritten, so where a shape has a field of type Secret its JSON text is taken as it is (msgspec.Raw, a
view of the message) and unescaped here into bytes that can. So it is with the words of an enumeration: a code may have
been sent in the place of one. Whoever owns the message overwrites it afterwards.
"""

import re
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from sithsd.api.framing import wipe
from sithsd.api.wire import Wire
from sithsd.secret import Secret

P = TypeVar("P", bound=Wire)

_PATH = re.compile(r" - at `\$([A-Za-z0-9_.\[\]]*)`$")
_EXPECTED = re.compile(r"^Expected `([^`]*)`")
_MISSING = re.compile(r"^Object missing required field `([^`]*)`")
# The name of an unknown field is the caller's own word: it is repeated only where it can't be a code.
_UNKNOWN = re.compile(r"^Object contains unknown field `([A-Za-z][A-Za-z0-9]{0,63})`")

_NULL = memoryview(b"null")
_QUOTE, _BACKSLASH = b'"\\'
_ESCAPES = {ord(letter): ord(char) for letter, char in zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True)}


class ParameterError(Exception):
    """Parameters that have not the form of their method. `field` names which (empty: all of them)."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(field, detail)
        self.field = field
        self.detail = detail


class Shape(Generic[P]):
    """Reads the parameters of one method. `kind` is the shape they get; it must refuse unknown fields."""

    def __init__(self, kind: type[P]) -> None:
        if not kind.__struct_config__.forbid_unknown_fields:
            raise ValueError(f"{kind.__name__} must be declared with forbid_unknown_fields")
        self._kind = kind
        self._fields = msgspec.structs.fields(kind)
        self._secrets = [field for field in self._fields if _is_secret(field)]
        self._words = [field for field in self._fields if _is_word(field)]
        # The same shape with raw JSON in the place of each code, under the names of the wire.
        twin = msgspec.defstruct(
            kind.__name__,
            [
                (field.name, msgspec.Raw if _is_secret(field) or _is_word(field) else field.type, _copied(field))
                for field in self._fields
            ],
            kw_only=True,
            forbid_unknown_fields=True,
        )
        self._decoder = msgspec.json.Decoder(twin)

    def decode(self, parameters: msgspec.Raw) -> P:
        """Return the parameters in their shape. Raises ParameterError, which quotes none of their values."""
        try:
            plain = self._decoder.decode(parameters)
        except msgspec.ValidationError as error:
            # From nowhere: the original error quotes values.
            raise self._told(str(error)) from None
        except (ValueError, RecursionError):
            raise ParameterError("", "not valid JSON") from None
        values = {field.name: getattr(plain, field.name) for field in self._fields}
        try:
            for field in self._words:
                values[field.name] = _word(values[field.name], field)
            for field in self._secrets:
                raw = values[field.name]
                values[field.name] = None if _is_nothing(raw, field) else _secret(raw, field.encode_name)
            return self._kind(**values)
        except ParameterError:
            for value in values.values():
                if isinstance(value, Secret):
                    value.wipe()
            raise

    def wipe(self, call: P) -> None:
        """Overwrite the codes in `call`."""
        for field in self._secrets:
            secret: Secret | None = getattr(call, field.name)
            if secret is not None:
                secret.wipe()

    def _told(self, message: str) -> ParameterError:
        """Say what is wrong with the parameters, from msgspec's message but without what it may quote."""
        at = _PATH.search(message)
        field = at.group(1).lstrip(".") if at else ""
        if missing := _MISSING.match(message):
            return ParameterError(_joined(field, missing.group(1)), "this field is missing")
        if unknown := _UNKNOWN.match(message):
            return ParameterError(_joined(field, unknown.group(1)), "there is no such field")
        if expected := _EXPECTED.match(message):
            return ParameterError(field, f"expected {expected.group(1)}")
        return ParameterError(field, "not of the expected form")


def _is_secret(field: msgspec.structs.FieldInfo) -> bool:
    return field.type is Secret or field.type == Secret | None


def _is_word(field: msgspec.structs.FieldInfo) -> bool:
    """Tell whether a field takes one of a few words.

    What was sent in the place of one may be a code, so it is compared where it lies, and never becomes a str either.
    """
    return isinstance(field.type, type) and issubclass(field.type, StrEnum) and field.required


def _word(raw: msgspec.Raw, field: msgspec.structs.FieldInfo) -> StrEnum:
    text = memoryview(raw)
    if len(text) < 2 or text[0] != _QUOTE:
        raise ParameterError(field.encode_name, "expected str")
    for member in field.type:
        if text[1:-1] == member.value.encode():
            found: StrEnum = member
            return found
    words = ", ".join(str(member.value) for member in field.type)
    raise ParameterError(field.encode_name, f"expected one of {words}")


def _is_nothing(raw: msgspec.Raw | None, field: msgspec.structs.FieldInfo) -> bool:
    """Tell whether a code was left out, where it may be."""
    return field.type is not Secret and (raw is None or memoryview(raw)[:1] == _NULL[:1])


def _copied(field: msgspec.structs.FieldInfo) -> Any:  # noqa: ANN401 - as msgspec.field is annotated
    """Return a field's default and name for another shape."""
    if field.default is not msgspec.NODEFAULT:
        return msgspec.field(default=field.default, name=field.encode_name)
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory, name=field.encode_name)
    return msgspec.field(name=field.encode_name)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _secret(raw: msgspec.Raw, field: str) -> Secret:
    """Return a JSON string's UTF-8 bytes (RFC 8259, section 7) as a Secret. Raises ParameterError."""
    text = memoryview(raw)
    if len(text) < 2 or text[0] != _QUOTE or text[-1] != _QUOTE:
        raise ParameterError(field, "expected str")
    # Unescaped it is never longer, so this buffer is never moved.
    plain = bytearray(len(text))
    try:
        return Secret(memoryview(plain)[: _unescape(text[1:-1], plain)])
    except (LookupError, ValueError):
        raise ParameterError(field, "not valid JSON") from None
    finally:
        wipe(plain)


def _unescape(text: memoryview, plain: bytearray) -> int:
    """Write the inside of a JSON string into `plain`, and return how many bytes that made."""
    length = position = 0
    while position < len(text):
        byte, position = text[position], position + 1
        if byte == _BACKSLASH:
            byte, position = text[position], position + 1
            if byte == ord("u"):
                # A surrogate becomes "?": no card takes what lies beyond, and a question mark is no digit either.
                point = chr(int(bytes(text[position : position + 4]), 16)).encode(errors="replace")
                plain[length : length + len(point)] = point
                length, position = length + len(point), position + 4
                continue
            byte = _ESCAPES[byte]
        plain[length] = byte
        length += 1
    return length


class _Buffers:
    """Turns Secrets into JSON strings, and remembers them to be wiped."""

    def __init__(self) -> None:
        self._held: list[bytearray] = []

    def raw(self, value: Any) -> msgspec.Raw:  # noqa: ANN401 - msgspec's hook takes anything
        """Return the JSON of a Secret; the hook of an encoder. Raises NotImplementedError for anything else."""
        if not isinstance(value, Secret):
            raise NotImplementedError(f"{type(value).__name__} has no JSON form")
        code = value.reveal()
        text = bytearray(6 * len(code) + 2)
        text[0] = _QUOTE
        length = 1
        for byte in code:
            written = bytes([byte]) if byte >= 0x20 and byte not in {_QUOTE, _BACKSLASH} else b"\\u%04x" % byte
            text[length : length + len(written)] = written
            length += len(written)
        text[length] = _QUOTE
        self._held.append(text)
        return msgspec.Raw(memoryview(text)[: length + 1])

    def wipe(self) -> None:
        """Overwrite every text made."""
        for text in self._held:
            wipe(text)


def encode(value: object) -> bytearray:
    """Return the JSON of a request that may hold Secrets, in a buffer that is the caller's to wipe."""
    buffers = _Buffers()
    # Large enough from the start for any request that holds a code, so that no copy is left behind in growing.
    buffer = bytearray(4096)
    try:
        msgspec.json.Encoder(enc_hook=buffers.raw).encode_into(value, buffer)
    finally:
        buffers.wipe()
    return buffer
