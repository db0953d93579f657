"""Where may be asked: by whose word a URL is followed, and what it may look like.

Certificates are other people's words, so a URL is followed only if it stands in a certificate that is on a valid path
to an anchor. For the way there (the issuer's certificate, AIA) there is no path yet: then only hosts count that are
named for the environment, with the anchors. What is there on this machine and its link is nobody's to name: production
and test ask names at port 80, and a name that leads to such an address is not followed (`sithsd.fetch.web`). Networks
of one's own (RFC 1918) may be: Sjunet is one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from sithsd.validity.anchors import pins
from sithsd.validity.policy import ValiditySettings
from sithsd.values import Environment

_PORT = 80
_LONGEST_URL = 1024
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter, so no notation of an address is a name (inet_aton(3)); "localhost" has but one.
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class Place:
    """A URL taken apart: what is connected to, and what is asked for there. `host` has no brackets."""

    host: str
    port: int
    path: str
    query: str

    @classmethod
    def of(cls, url: str) -> Self | None:
        """Return the place that an http URL names, None for any other, and for one that programs read differently."""
        if len(url) > _LONGEST_URL or not all("!" <= letter <= "~" for letter in url):
            return None
        try:
            parts = urlsplit(url)
            port = parts.port or _PORT
        except ValueError:
            return None
        odd = "@" in parts.netloc or "#" in url or "\\" in url or parts.netloc.endswith(":")
        if parts.scheme != "http" or not parts.hostname or odd:
            return None
        return cls(parts.hostname, port, parts.path or "/", parts.query)

    @property
    def named(self) -> bool:
        """Whether it is a name of the domain name system, at the usual port."""
        return self.port == _PORT and len(self.host) <= _LONGEST_NAME and _NAME.fullmatch(self.host) is not None


class Places:
    """What may be asked by these settings. `listed` are the hosts of simulated issuers, as the settings have them."""

    def __init__(self, settings: ValiditySettings) -> None:
        worlds = frozenset(settings.environments)
        self.listed = frozenset(_host_and_port(one) for one in settings.sim_hosts if Environment.SIM in worlds)
        self._authorities = frozenset(host for world in worlds for host in pins().issuer_hosts.get(world, ()))

    def on_path(self, urls: Iterable[str], world: Environment) -> tuple[str, ...]:
        """Return those of `urls` that may be asked, of a certificate whose path leads to an anchor of this world."""
        return tuple(url for url in urls if (place := Place.of(url)) and self._may_ask(place, world))

    def for_issuers(self, urls: Iterable[str]) -> tuple[str, ...]:
        """Return those of `urls` at which a certificate's issuer may be looked for, before there is a path."""
        return tuple(url for url in urls if (place := Place.of(url)) and self._may_look(place))

    def _may_ask(self, place: Place, world: Environment) -> bool:
        return (place.host, place.port) in self.listed if world is Environment.SIM else place.named

    def _may_look(self, place: Place) -> bool:
        return (place.host, place.port) in self.listed or (place.named and place.host in self._authorities)


def _host_and_port(text: str) -> tuple[str, int]:
    """Return what an entry of `sim_hosts` names. Raises ValueError."""
    place = Place.of(f"http://{text}/")
    if place is None or place.path != "/" or place.query:
        raise ValueError(f"sim_hosts: {text!r} is no host, or host and port")
    return place.host, place.port
