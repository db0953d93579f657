"""Interfaces are checked against their text when they are put together."""

import pytest

from sithsd.api.interface import Interface, Method, NoParameters, interface_text
from sithsd.api.peer import Caller
from sithsd.api.rights import everyone
from sithsd.api.service import SERVICE, About, Directory

TEXT = "# About.\ninterface org.example.Things\n\nmethod Look() -> ()\nmethod Wait() -> ()\n"


async def nothing(_call: object, _caller: Caller) -> NoParameters:
    """Answer with nothing."""
    return NoParameters()


def test_name_and_methods_are_read_from_the_text() -> None:
    """What is described and what is offered are two things."""
    interface = Interface(TEXT, [Method("Look", NoParameters, everyone, nothing)])
    assert interface.name == "org.example.Things"
    assert interface.described == {"Look", "Wait"}
    assert set(interface.methods) == {"Look"}


@pytest.mark.parametrize("names", [["Jump"], ["Look", "Look"]])
def test_a_method_that_is_not_described_or_given_twice_is_refused(names: list[str]) -> None:
    """The text is the contract: nothing is offered beside it."""
    with pytest.raises(ValueError, match="not described, or is given twice"):
        Interface(TEXT, [Method(name, NoParameters, everyone, nothing) for name in names])


def test_a_text_without_a_name_is_refused() -> None:
    """An interface has a name."""
    with pytest.raises(ValueError, match="does not name"):
        Interface("method Look() -> ()", [])


def test_the_service_interface_describes_what_it_offers() -> None:
    """org.varlink.service offers both of its methods on every socket."""
    directory = Directory(Interface(TEXT, []), About.installed())
    for method in Interface(interface_text(SERVICE), []).described:
        assert directory.find(f"{SERVICE}.{method}")[1].name == method
