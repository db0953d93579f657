"""From an order to sign to the certificate, the algorithm and the hash: all of it before the card is touched."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sithsd.certificate import signature
from sithsd.errors import ErrorCode, SithsdError
from sithsd.session.choice import Chosen, Settled, choose
from sithsd.session.describe import Judging, issuers_on
from sithsd.session.model import JudgedCertificate
from sithsd.session.orders import SignOrder
from sithsd.session.tools import Held
from sithsd.values import KeyKind, SignatureAlgorithm

# What a hash that comes alone was made with, by its length in bytes.
_BY_LENGTH = {
    (KeyKind.RSA, 32): SignatureAlgorithm.RSA_PKCS1_SHA256,
    (KeyKind.RSA, 48): SignatureAlgorithm.RSA_PKCS1_SHA384,
    (KeyKind.RSA, 64): SignatureAlgorithm.RSA_PKCS1_SHA512,
    (KeyKind.EC, 32): SignatureAlgorithm.ECDSA_SHA256,
    (KeyKind.EC, 48): SignatureAlgorithm.ECDSA_SHA384,
    (KeyKind.EC, 64): SignatureAlgorithm.ECDSA_SHA512,
}


def settle(order: SignOrder, held: Held, judge: Judging, now: datetime) -> SignOrder:
    """Return the order with what is signed with what.

    Certificates are judged at this moment, not at that of the card's insertion. Raises certificate.absent,
    certificate.bad, certificate.ambiguous, signature.unsupported, request.invalid.
    """
    chosen = choose(order.wish, _judged(held.card.certificates, judge, now), held.read.contents)
    algorithm = _algorithm(order, chosen)
    digest = order.message if order.hashed else hashlib.new(algorithm.hash_name, order.message).digest()
    if len(digest) != algorithm.digest_length:
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"digest: a hash of {algorithm.digest_length} bytes is expected")
    return replace(order, settled=Settled(chosen, algorithm, digest))


def _judged(entries: Sequence[JudgedCertificate], judge: Judging, now: datetime) -> list[JudgedCertificate]:
    helpers = issuers_on([entry.certificate for entry in entries])
    return [replace(entry, assessment=judge.judge(entry.certificate, now, helpers)) for entry in entries]


def _algorithm(order: SignOrder, chosen: Chosen) -> SignatureAlgorithm:
    certificate = chosen.entry.certificate
    kind = signature.key_kind(certificate)
    if order.algorithm is not None:
        algorithm: SignatureAlgorithm | None = order.algorithm
    elif order.hashed and kind is not None:
        algorithm = _BY_LENGTH.get((kind, len(order.message)))
        if algorithm is None:
            raise SithsdError(ErrorCode.REQUEST_INVALID, "digest: the length of no hash that is known here")
    else:
        algorithm = signature.usual_algorithm(certificate)
    if algorithm is None or algorithm.key_kind is not kind or chosen.key.kind is not kind:
        raise SithsdError(ErrorCode.SIGNATURE_UNSUPPORTED, "the certificate's key does not sign by this algorithm")
    return algorithm
