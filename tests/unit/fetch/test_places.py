"""Which URLs are followed: by whose word, and what they may look like."""

import pytest

from sithsd.fetch.places import Place, Places
from sithsd.validity.policy import ValiditySettings
from sithsd.values import Environment

PRODUCTION = Places(ValiditySettings())
ALL = Places(
    ValiditySettings(
        environments=(Environment.PRODUCTION, Environment.TEST, Environment.SIM),
        sim_hosts=("127.0.0.1:35980", "[::1]:8080", "responder.sim"),
    )
)
FOLLOWED = [
    "http://ocsp1.siths.se",
    "http://ocsp1.siths.se/",
    "http://ocsp1.siths.se:80/a/b?c=d",
    "http://crl1.siths.se/sithseidrootcav2.crl",
    "http://aia.siths.se/sithseidrootcav2.cer",
    "http://xn--pr-nja.example.se/%C3%A5",
]
ODD = [
    "",
    "https://ocsp1.siths.se/",
    "ldap://ocsp1.siths.se/",
    "file:///etc/passwd",
    "//ocsp1.siths.se/",
    "http:///path",
    "http://user@ocsp1.siths.se/",
    "http://user:word@ocsp1.siths.se/",
    "http://@ocsp1.siths.se/",
    "http://ocsp1.siths.se#@127.0.0.1/",
    "http://127.0.0.1\\@ocsp1.siths.se/",
    "http://ocsp1.siths.se:/",
    "http://ocsp1.siths.se:99999/",
    "http://ocsp1.siths.se:x/",
    "http://ocsp1.siths.se/a b",
    "http://ocsp1.siths.se/\r\nHost: other",
    "http://ocsp1.siths.se/å",
    "http://ocsp1.siths.se/" + "a" * 1024,
    "http://[::1/",
]
NO_NAMES = [
    "http://ocsp1.siths.se:8080/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.0.0.0x1/",
    "http://10.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://localhost/",
    "http://ocsp1/",
    "http://ocsp1.siths.se./",
    "http://-ocsp.siths.se/",
    "http://ocsp_1.siths.se/",
    "http://ocsp1..siths.se/",
    "http://" + "a." * 126 + "siths.se/",
]


@pytest.mark.parametrize("url", FOLLOWED)
@pytest.mark.parametrize("world", [Environment.PRODUCTION, Environment.TEST])
def test_a_name_at_the_usual_port_is_followed(url: str, world: Environment) -> None:
    """A certificate on a path to a real anchor may name any host of the domain name system, at port 80."""
    assert ALL.on_path([url], world) == (url,)


@pytest.mark.parametrize("url", [*ODD, *NO_NAMES])
@pytest.mark.parametrize("world", list(Environment))
def test_nothing_else_is_followed(url: str, world: Environment) -> None:
    """No other scheme, port, user, address in any notation, or name of one label, whatever certificate says it."""
    assert ALL.on_path([url], world) == ()
    assert ALL.for_issuers([url]) == ()


@pytest.mark.parametrize("url", ["http://127.0.0.1:35980/a.crl", "http://[::1]:8080/", "http://responder.sim/x"])
def test_simulated_issuers_are_where_the_settings_say(url: str) -> None:
    """What the settings name for SIM is asked for SIM alone: no real certificate leads there."""
    assert ALL.on_path([url], Environment.SIM) == ALL.for_issuers([url]) == (url,)
    assert ALL.on_path([url.replace("responder.sim", "10.0.0.1")], Environment.PRODUCTION) == ()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:35981/", "http://127.0.0.1/", "http://ocsp1.siths.se/", "http://x.sim/"]
)
def test_simulated_certificates_lead_nowhere_else(url: str) -> None:
    """A simulated certificate may name no host but those, not even a real one."""
    assert ALL.on_path([url], Environment.SIM) == ()


def test_without_sim_its_hosts_mean_nothing() -> None:
    """Hosts that are named for a world that is not configured are not asked."""
    places = Places(ValiditySettings(sim_hosts=("127.0.0.1:35980",)))
    assert places.listed == frozenset()
    assert places.for_issuers(["http://127.0.0.1:35980/issuer.cer"]) == ()


def test_an_issuer_is_looked_for_at_its_worlds_own_host_alone() -> None:
    """Before there is a path only the authorities' own hosts are asked, those of worlds that are configured."""
    production, test = "http://aia.siths.se/ca.cer", "http://aiapp.siths.se/ca.cer"
    assert PRODUCTION.for_issuers([production, test, "http://evil.example.se/ca.cer"]) == (production,)
    assert ALL.for_issuers([production, test]) == (production, test)


@pytest.mark.parametrize("entry", ["", "http://127.0.0.1", "127.0.0.1/path", "127.0.0.1:x", "a b", "user@host", "h?q"])
def test_a_simulated_host_is_a_host(entry: str) -> None:
    """An entry of the settings that is no host, or host and port, is told as it stands."""
    with pytest.raises(ValueError, match="sim_hosts"):
        Places(ValiditySettings(environments=(Environment.SIM,), sim_hosts=(entry,)))


def test_what_is_connected_to_is_what_was_judged() -> None:
    """A URL is taken apart once: host, port, path and query are those that were looked at."""
    assert Place.of("http://OCSP1.siths.se/A%2f..?b=c&d") == Place("ocsp1.siths.se", 80, "/A%2f..", "b=c&d")
