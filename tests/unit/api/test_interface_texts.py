"""The interface texts and the shapes say the same, in both directions."""

import types
import typing
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from varlink import scanner

from sithsd.api import code_wire, diagnosis_wire, fetch_wire, service, wire
from sithsd.api.interface import NoParameters, interface_text
from sithsd.errors import ErrorCode
from sithsd.locations import CARDS_SOCKET, CODES_SOCKET, FETCH_SOCKET
from sithsd.secret import Secret

CALLS = {
    CARDS_SOCKET: {
        "List": (wire.ListCall, wire.ListReply),
        "Monitor": (wire.ListCall, wire.MonitorReply),
        "GetCertificates": (wire.ReaderCall, wire.CertificatesReply),
        "GetValidity": (wire.ValidityCall, wire.ValidityReply),
        "GetCodes": (wire.ReaderCall, wire.CodesReply),
        "Diagnose": (diagnosis_wire.DiagnoseCall, diagnosis_wire.DiagnoseReply),
        "GetRights": (NoParameters, wire.RightsReply),
    },
    CODES_SOCKET: {
        "Verify": (code_wire.VerifyCall, code_wire.CodeReply),
        "Change": (code_wire.ChangeCall, code_wire.CodeReply),
        "Unblock": (code_wire.UnblockCall, code_wire.CodeReply),
        "Activate": (code_wire.ActivateCall, code_wire.ActivateReply),
        "Authenticate": (code_wire.AuthenticateCall, code_wire.AuthenticateReply),
        "Sign": (code_wire.SignCall, code_wire.SignReply),
        "GetGuidance": (code_wire.GuidanceCall, code_wire.GuidanceReply),
    },
    FETCH_SOCKET: {
        "CheckRevocation": (fetch_wire.CheckRevocationCall, fetch_wire.CheckRevocationReply),
        "FetchAnchor": (fetch_wire.FetchAnchorCall, fetch_wire.FetchAnchorReply),
        "GetState": (NoParameters, fetch_wire.StateReply),
    },
    service.SERVICE: {
        "GetInfo": (NoParameters, service.Info),
        "GetInterfaceDescription": (service.DescriptionCall, service.Description),
    },
}
NAMED = {
    CARDS_SOCKET: [
        wire.Verdict,
        wire.CodeState,
        wire.Evidence,
        wire.Certificate,
        wire.Holder,
        wire.Card,
        wire.Reader,
        wire.Notice,
        wire.Advice,
        diagnosis_wire.Anchor,
        diagnosis_wire.Rate,
        diagnosis_wire.PassedOver,
        diagnosis_wire.ReaderDiagnosis,
        diagnosis_wire.FailingPlace,
        diagnosis_wire.FetchDiagnosis,
        wire.Choice,
    ],
    CODES_SOCKET: [
        wire.Verdict,
        wire.Evidence,
        wire.Certificate,
        wire.CodeState,
        code_wire.NewCodeRule,
        code_wire.ChecklistItem,
        code_wire.Answer,
        code_wire.ExpectedTries,
        wire.Choice,
    ],
    FETCH_SOCKET: [fetch_wire.Evidence, fetch_wire.Failing, wire.Choice],
    service.SERVICE: [],
}
OURS = [CARDS_SOCKET, CODES_SOCKET]
# What can go wrong with the program that fetches; it knows no cards and no codes.
FETCHING = {
    ErrorCode.FETCH_FAILED,
    ErrorCode.REQUEST_DENIED,
    ErrorCode.REQUEST_INVALID,
    ErrorCode.REQUEST_TOO_MANY,
    ErrorCode.DAEMON_UNAVAILABLE,
    ErrorCode.INTERNAL,
}


def interface(name: str) -> Any:
    """Parse an interface text with a foreign parser."""
    return scanner.Interface(interface_text(name))


def members(name: str, kind: Any) -> dict[str, Any]:
    """Return the members of one kind, by name."""
    return {key: member for key, member in interface(name).members.items() if isinstance(member, kind)}


def described(kind: Any) -> Any:
    """Return a type of an interface text in the notation of the texts."""
    if isinstance(kind, scanner._Maybe):
        return "?" + described(kind.element_type)
    if isinstance(kind, scanner._Array):
        return "[]" + described(kind.element_type)
    if isinstance(kind, scanner._CustomType):
        return kind.name
    if isinstance(kind, scanner._Struct):
        return {key: described(value) for key, value in kind.fields.items()}
    return {bool: "bool", int: "int", str: "string"}[type(kind)]


def declared(kind: Any) -> str:
    """Return a type of Python in the notation of the texts."""
    if typing.get_origin(kind) is types.UnionType:
        (inner,) = [one for one in typing.get_args(kind) if one is not types.NoneType]
        return "?" + declared(inner)
    if typing.get_origin(kind) is list:
        return "[]" + declared(typing.get_args(kind)[0])
    if issubclass(kind, msgspec.Struct):
        return kind.__name__
    if issubclass(kind, StrEnum | Secret):
        return "string"
    return {bool: "bool", int: "int", str: "string"}[kind]


def fields(shape: type) -> dict[str, Any]:
    """Return a shape's fields, by their names on the wire, in the notation of the texts."""
    return {field.encode_name: declared(field.type) for field in msgspec.structs.fields(shape)}


@pytest.mark.parametrize("name", CALLS)
def test_parameters_and_replies_of_every_method_are_as_described(name: str) -> None:
    """Every method of the text has a shape for its parameters and its reply, with the same fields in the same order."""
    methods = members(name, scanner._Method)
    assert set(methods) == set(CALLS[name])
    for key, (call, reply) in CALLS[name].items():
        assert list(described(methods[key].in_type).items()) == list(fields(call).items()), key
        assert list(described(methods[key].out_type).items()) == list(fields(reply).items()), key


@pytest.mark.parametrize("name", CALLS)
def test_every_named_type_is_as_described(name: str) -> None:
    """Every type of the text is a shape of the same name and fields, and no shape is left out."""
    aliases = members(name, scanner._Alias)
    assert set(aliases) == {shape.__name__ for shape in NAMED[name]}
    for shape in NAMED[name]:
        assert list(described(aliases[shape.__name__].type).items()) == list(fields(shape).items()), shape


@pytest.mark.parametrize(("name", "codes"), [*((name, set(ErrorCode)) for name in OURS), (FETCH_SOCKET, FETCHING)])
def test_every_error_code_is_described_and_no_other(name: str, codes: set[ErrorCode]) -> None:
    """Each error code is an error of the daemon's interfaces, with the parameters that errors have."""
    errors = members(name, scanner._Error)
    assert {f"{name}.{key}" for key in errors} == {wire.error_name(name, code) for code in codes}
    for key, error in errors.items():
        assert list(described(error.type).items()) == list(fields(wire.ErrorParameters).items()), key


def test_every_shape_of_the_wire_is_in_a_text() -> None:
    """There is no shape that no text tells of."""
    told = {shape for calls in CALLS.values() for pair in calls.values() for shape in pair}
    told |= {shape for shapes in NAMED.values() for shape in shapes} | {wire.Wire, wire.ErrorParameters}
    named = [shape for module in (wire, code_wire, diagnosis_wire, fetch_wire) for shape in vars(module).values()]
    shapes = {shape for shape in named if isinstance(shape, type) and issubclass(shape, wire.Wire)}
    assert shapes <= told


@pytest.mark.parametrize("name", CALLS)
def test_what_may_be_left_out_is_optional_in_the_text(name: str) -> None:
    """A parameter that the text calls optional may be missing, and only such a one."""
    for call, _reply in CALLS[name].values():
        for field in msgspec.structs.fields(call):
            assert field.required is not declared(field.type).startswith("?"), (call, field.name)


@pytest.mark.parametrize("name", CALLS)
def test_every_member_has_a_comment(name: str) -> None:
    """The text is the documentation: the interface, its methods, types and errors each have words."""
    parsed = interface(name)
    assert parsed.name == name
    assert parsed.doc.strip()
    for key, member in parsed.members.items():
        assert member.doc.strip(), key


def test_the_service_interface_has_varlinks_own_errors() -> None:
    """org.varlink.service is varlink's, not ours: its errors have exactly these names and parameters."""
    errors = {key: described(error.type) for key, error in members(service.SERVICE, scanner._Error).items()}
    assert errors == {
        "InterfaceNotFound": {"interface": "string"},
        "MethodNotFound": {"method": "string"},
        "MethodNotImplemented": {"method": "string"},
        "InvalidParameter": {"parameter": "string"},
    }
