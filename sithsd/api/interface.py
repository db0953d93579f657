"""An interface as the server knows it: its text, and what is called when a method is."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Generic, TypeVar

from sithsd.api.peer import Caller
from sithsd.api.rights import Right
from sithsd.api.shape import Shape
from sithsd.api.wire import Wire

P = TypeVar("P", bound=Wire)

_NAME = re.compile(r"^interface ([A-Za-z](?:-*[A-Za-z0-9])*(?:\.[A-Za-z0-9](?:-*[A-Za-z0-9])*)+)$", re.MULTILINE)
_METHOD = re.compile(r"^method ([A-Z][A-Za-z0-9]*)\b", re.MULTILINE)


class NoParameters(Wire, forbid_unknown_fields=True):
    """The parameters of a method that has none."""


@dataclass(frozen=True, slots=True)
class Method(Generic[P]):
    """A method that is answered once. `parameters` is a Wire shape; Secret fields are wiped when the call has ended.

    Errors told to the caller are SithsdError; any other exception is logged and told as "internal".
    """

    name: str
    parameters: type[P]
    right: Right
    call: Callable[[P, Caller], Awaitable[Wire]]
    shape: Shape[P] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", Shape(self.parameters))


@dataclass(frozen=True, slots=True)
class StreamMethod(Generic[P]):
    """A method that is answered as long as the caller wants `more`; without `more`, once.

    The generator is asked for the next reply only when the last one is on its way, so a slow reader holds it up: it
    must then give the newest state and forget those in between. It is closed as soon as the caller is gone.
    """

    name: str
    parameters: type[P]
    right: Right
    stream: Callable[[P, Caller], AsyncGenerator[Wire, None]]
    shape: Shape[P] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", Shape(self.parameters))


AnyMethod = Method[Any] | StreamMethod[Any]


class Interface:
    """One varlink interface. `text` is its description, `name` and the methods' names are read from it.

    Raises ValueError for a text without a name, and for a method that the text does not describe or that is given
    twice.
    """

    def __init__(self, text: str, methods: Iterable[AnyMethod]) -> None:
        named = _NAME.search(text)
        if named is None:
            raise ValueError("the interface's text does not name the interface")
        self.name = named.group(1)
        self.text = text
        self.described = frozenset(_METHOD.findall(text))
        self.methods: dict[str, AnyMethod] = {}
        for method in methods:
            if method.name not in self.described or method.name in self.methods:
                raise ValueError(f"{self.name}.{method.name} is not described, or is given twice")
            self.methods[method.name] = method


def interface_text(name: str) -> str:
    """Return the text of the interface `name`, as installed with this package. Raises FileNotFoundError."""
    return resources.files("sithsd.api").joinpath(f"{name}.varlink").read_text(encoding="utf-8")
