"""Signers that last a session: RSA keys take their time to make."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.unit.client.signer import Signer, signer


@pytest.fixture(scope="session")
def mine(forge: Any) -> Signer:
    """Return the signer of most tests."""
    return signer(forge)


@pytest.fixture(scope="session")
def rsa_signer(forge: Any) -> Signer:
    """Return one with an RSA key."""
    return signer(forge, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
