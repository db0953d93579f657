"""Where a certificate says to ask: the http URLs that can be used, and no others."""

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from revoking import access, points

from sithsd.certificate.read import read
from sithsd.validity.files import read_certificates
from sithsd.validity.revocation import sources
from sithsd.validity.revocation.sources import Sources


def of(forge: Any, *extensions: Any) -> Sources:
    """Make a certificate with these extensions, and ask it."""
    return sources.of(read(forge.person(extensions=extensions).der))


def test_a_certificate_tells_responders_lists_and_issuers(forge: Any) -> None:
    """Each of the four places is its own; several keep their order, and each is told once."""
    freshest = x509.FreshestCRL(points("http://d.sim/1")[0])
    found = of(
        forge,
        access(ocsp=["http://o.sim/2", "http://o.sim/1", "http://o.sim/2"], issuers=["http://a.sim/ca.cer"]),
        points("http://c.sim/1", "http://c.sim/2"),
        (freshest, False),
    )
    assert found == Sources(
        ocsp=("http://o.sim/2", "http://o.sim/1"),
        crls=("http://c.sim/1", "http://c.sim/2"),
        delta_crls=("http://d.sim/1",),
        issuers=("http://a.sim/ca.cer",),
    )
    assert of(forge) == Sources()


@pytest.mark.parametrize(
    "url",
    [
        "https://c.sim/1",
        "ldap://c.sim/cn=CRL",
        "file:///etc/passwd",
        "ftp://c.sim/1",
        "http:///1",
        "http:1",
        "//c.sim/1",
        "http://user@c.sim/1",
        "http://user:word@c.sim/1",
        "http://c.sim:99999/1",
        "http://c.sim:port/1",
        "http://c.sim:0/1",
        "http://c.sim/1#part",
        "http://c.sim\\@d.sim/1",
        "http://c.sim/1\r\nHost: d.sim",
        "http://c.sim/a b",
        "http://[c.sim/1",
        "http://c.sim/" + "a" * 1024,
        "",
    ],
)
def test_other_urls_are_left_out(forge: Any, url: str) -> None:
    """Other schemes, users, fragments, line ends, what is no URL, and what is too long: none is ever asked."""
    found = of(forge, access(ocsp=[url, "http://o.sim"], issuers=[url]), points(url, "http://c.sim/1"))
    assert found == Sources(ocsp=("http://o.sim",), crls=("http://c.sim/1",))


def test_there_is_an_end_to_them(forge: Any) -> None:
    """A certificate that names a hundred places has four asked."""
    urls = [f"http://c.sim/{number}" for number in range(100)]
    found = of(forge, access(ocsp=urls, issuers=urls), points(*urls))
    assert found == Sources(*[tuple(urls[:4]) if kind != "deltas" else () for kind in ("o", "c", "deltas", "i")])


def test_names_that_are_no_urls_and_lists_of_others_are_left_out(forge: Any) -> None:
    """A directory's name can't be fetched; a list that another CA signs proves nothing here."""
    name = x509.DirectoryName(x509.Name.from_rfc4514_string("CN=CRL"))
    url = x509.UniformResourceIdentifier("http://c.sim/1")
    given = x509.CRLDistributionPoints(
        [x509.DistributionPoint([name], None, None, None), x509.DistributionPoint([url], None, None, [name])]
    )
    assert of(forge, (given, False)) == Sources()


def test_a_broken_extension_leads_nowhere(forge: Any) -> None:
    """What can't be read names nobody."""
    broken = x509.UnrecognizedExtension(x509.CRLDistributionPoints.oid, b"\x30\x03\x02\x01")
    assert of(forge, (broken, False)) == Sources()


def test_the_real_certificates_name_these(pki_dir: Path) -> None:
    """The function CA's own sources are the root's, as Inera tells them."""
    issuer = read_certificates(pki_dir / "sithseidfunctioncav1.pem")[0]
    found = sources.of(issuer)
    assert found.crls == ("http://crl1.siths.se/sithseidrootcav2.crl",)
    assert found.issuers == ("http://aia.siths.se/sithseidrootcav2.cer",)
