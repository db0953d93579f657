"""org.varlink.service: what a socket says about itself (varlink.org, "Service")."""

from dataclasses import dataclass
from importlib import metadata

from sithsd.api.interface import AnyMethod, Interface, Method, NoParameters, interface_text
from sithsd.api.message import VarlinkError
from sithsd.api.peer import Caller
from sithsd.api.rights import everyone
from sithsd.api.wire import Wire

SERVICE = "org.varlink.service"


@dataclass(frozen=True, slots=True)
class About:
    """Who the program is."""

    vendor: str = "sithsd"
    product: str = "sithsd"
    version: str = ""
    url: str = ""

    @classmethod
    def installed(cls) -> "About":
        """Return what the installed distribution says."""
        return cls(version=metadata.version("sithsd"))


class Info(Wire):
    """Reply of GetInfo."""

    vendor: str
    product: str
    version: str
    url: str
    interfaces: list[str]


class DescriptionCall(Wire, forbid_unknown_fields=True):
    """Parameters of GetInterfaceDescription."""

    interface: str


class Description(Wire):
    """Reply of GetInterfaceDescription."""

    description: str


class Directory:
    """The interfaces of one socket: its own, and org.varlink.service, which describes both."""

    def __init__(self, own: Interface, about: About) -> None:
        self.own = own
        self._about = about
        service = Interface(
            interface_text(SERVICE),
            [
                Method("GetInfo", NoParameters, everyone, self._info),
                Method("GetInterfaceDescription", DescriptionCall, everyone, self._describe),
            ],
        )
        self._interfaces = {interface.name: interface for interface in (service, own)}

    def find(self, qualified: str) -> tuple[Interface, AnyMethod]:
        """Return the interface and method of a name such as "io.sithsd.Cards.List". Raises VarlinkError."""
        name, _, method = qualified.rpartition(".")
        interface = self._interface(name)
        if method in interface.methods:
            return interface, interface.methods[method]
        if method in interface.described:
            raise VarlinkError("MethodNotImplemented", method=qualified)
        raise VarlinkError("MethodNotFound", method=qualified)

    def _interface(self, name: str) -> Interface:
        try:
            return self._interfaces[name]
        except KeyError:
            raise VarlinkError("InterfaceNotFound", interface=name) from None

    async def _info(self, _call: NoParameters, _caller: Caller) -> Info:
        about = self._about
        return Info(
            vendor=about.vendor,
            product=about.product,
            version=about.version,
            url=about.url,
            interfaces=sorted(self._interfaces),
        )

    async def _describe(self, call: DescriptionCall, _caller: Caller) -> Description:
        return Description(description=self._interface(call.interface).text)
