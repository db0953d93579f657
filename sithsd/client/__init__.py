"""The library for log-in clients: which cards are in, whose, and proof that one of them is here with its PIN.

```python
from getpass import getpass

from sithsd.client import Client, SithsdError

try:
    pin = bytearray(getpass("PIN: "), "ascii")  # this copy is wiped; the str from getpass stays
    proof = Client().authenticate(identity="hsaId", code=pin)
except SithsdError as error:
    print(f"Not logged in: {error.code}, tries left: {error.tries_left}")
else:
    print(f"{proof.identity_value} is here; the certificate: {proof.certificate.verdict.status}")
```

`Client` is for ordinary programs, `AsyncClient` for those with asyncio; they have the same methods and replies
(`sithsd.client.model`). What `authenticate` and `sign` return has been checked by the client itself: the signature is
of what was sent, by the key of the certificate in the reply, and the daemon's verdict on that is as good as `require`
says.

Every failure is a `SithsdError` with a stable `code` (`ErrorCode`), `tries_left` where a PIN is concerned, and
`retryable`: whether the same call may be made again unchanged. A `DaemonError` was told by the daemon; a `LostError`
means that the connection ended when the card may have used a try; a `RequirementError` that the certificate is not as
good as required.
"""

from sithsd.api.exchange import DaemonError, LostError
from sithsd.client.asynchronous import AsyncClient
from sithsd.client.blocking import Client
from sithsd.client.checks import Require, RequirementError
from sithsd.client.model import (
    Advice,
    Authentication,
    Card,
    Certificate,
    Certificates,
    Change,
    Codes,
    CodeState,
    Evidence,
    Holder,
    Notice,
    Picture,
    Reader,
    Signature,
    Validity,
    Verdict,
)
from sithsd.client.orders import Options
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.values import IdentityKind, Purpose, Role, SignatureAlgorithm, Status

__all__ = [
    "Advice",
    "AsyncClient",
    "Authentication",
    "Card",
    "Certificate",
    "Certificates",
    "Change",
    "Client",
    "CodeState",
    "Codes",
    "DaemonError",
    "ErrorCode",
    "Evidence",
    "Holder",
    "IdentityKind",
    "LostError",
    "Notice",
    "Options",
    "Picture",
    "Purpose",
    "Reader",
    "Require",
    "RequirementError",
    "Role",
    "Secret",
    "Signature",
    "SignatureAlgorithm",
    "SithsdError",
    "Status",
    "Validity",
    "Verdict",
]
