"""The rights file: who may ask the daemon for what.

`rights.toml` beside this module is what is shipped, and explains each line; a site's own file
(/etc/sithsd/rights.toml) names what it wants otherwise, see `site_file`.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from sithsd.policy import site_file

SITE_FILE = Path("/etc/sithsd/rights.toml")
_SHIPPED = "rights.toml"

EVERYONE = "everyone"
ROOT = "root"
ACTIVE_SESSION = "active-session"
USER = "user:"
GROUP = "group:"

Subject = Annotated[
    str, msgspec.Meta(pattern=rf"^({EVERYONE}|{ROOT}|{ACTIVE_SESSION}|({USER}|{GROUP})[!-~].*)$", max_length=300)
]
Subjects = Annotated[tuple[Subject, ...], msgspec.Meta(max_length=100)]


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file: for each right, who has it."""

    status: Subjects
    personal_numbers: Subjects
    codes: Subjects
    authenticate: Subjects
    sign: Subjects
    desk: Subjects

    @property
    def subjects(self) -> frozenset[str]:
        """Everybody who is named anywhere."""
        return frozenset(one for name in self.__struct_fields__ for one in getattr(self, name))


def shipped() -> Rules:
    """Return the rights that come with sithsd."""
    return site_file.shipped(Rules, _SHIPPED)


def load(path: Path | None = None) -> Rules:
    """Read the rights: what comes with sithsd, and over it the site's file at `path`.

    With None the site's file is /etc/sithsd/rights.toml, if there is one. Raises PolicyError.
    """
    return site_file.load(Rules, _SHIPPED, path, SITE_FILE)
