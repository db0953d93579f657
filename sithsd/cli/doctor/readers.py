"""Checks of the reader: which one, its power, who uses it, and how it speaks to the card."""

from dataclasses import replace

from sithsd.cli.doctor.check import Check, Told, bad, good, skipped, unknown
from sithsd.cli.doctor.facts import Facts, UsbReader
from sithsd.cli.replies import Rate, Reader, ReaderDiagnosis
from sithsd.errors import ErrorCode

READER, POWER, BUSY, PROTOCOL = "reader", "power", "busy", "protocol"

# The states of a reader in which there is no card that answers.
WITHOUT_CARD = frozenset({"empty", "mute"})


def reader(facts: Facts) -> Check:
    """Tell whether there is a reader, and whether it is clear which one is meant."""
    listing = facts.listing.reply
    if listing is None or not listing.service:
        return skipped(READER)
    names = [one.name for one in listing.readers]
    if not names:
        return bad(READER, "none", {"readers": []})
    found = facts.reader
    if found is None:
        return bad(READER, "ambiguous" if facts.wanted is None else "unknown", {"readers": names})
    return _described(found, facts.examined, names)


def _described(found: Reader, examined: ReaderDiagnosis | None, names: list[str]) -> Check:
    pad = None if examined is None or examined.pad_verify is None else examined.pad_verify
    told: Told = {"reader": found.name, "readers": names, "pad": pad}
    if examined is not None:
        told |= {"vendor": examined.vendor, "model": examined.model, "driverVersion": examined.version}
    if pad is None:
        return good(READER, told)
    return good(READER, told, "withPad" if pad else "withoutPad")


def power(facts: Facts) -> Check:
    """Tell whether the reader sleeps by the USB's power saving, where it is sure which device it is."""
    if facts.reader is None:
        return skipped(POWER)
    device = _device(facts)
    if device is None:
        return skipped(POWER, {"devices": len(facts.machine.usb_readers)}, "notSeen")
    told: Told = {
        "bus": device.bus,
        "device": device.device,
        "control": device.control,
        "delayMs": device.delay,
        "status": device.status,
    }
    if device.status is None:
        return unknown(POWER, "untold", told)
    if device.status == "suspended":
        return bad(POWER, "sleeps", told, hinders=False)
    may_sleep = device.control == "auto" and (device.delay is None or device.delay >= 0)
    return good(POWER, told, "maySleep" if may_sleep else "awake")


def _device(facts: Facts) -> UsbReader | None:
    """Return the reader's device: by its place, if the driver tells that, else the only one there is for one reader."""
    examined, devices = facts.examined, facts.machine.usb_readers
    if examined is not None and examined.usb_bus is not None:
        place = (examined.usb_bus, examined.usb_device)
        return next((one for one in devices if (one.bus, one.device) == place), None)
    vendor_told = examined is not None and examined.vendor is not None
    return devices[0] if len(devices) == len(facts.readers) == 1 and vendor_told else None


def busy(facts: Facts) -> Check:
    """Tell whether the card could be had just now, or another program holds it."""
    found, examined = facts.reader, facts.examined
    if found is None or found.state in WITHOUT_CARD:
        return skipped(BUSY)
    if examined is None:
        return bad(BUSY, "held", {"holder": None}) if found.state == "busy" else unknown(BUSY, "untold")
    if examined.refusal == ErrorCode.READER_BUSY:
        if examined.holder:
            return bad(BUSY, "heldBy", {"holder": examined.holder})
        return bad(BUSY, "held", {"holder": None})
    if examined.refusal is not None:
        return unknown(BUSY, "untold", {"refusal": examined.refusal})
    return good(BUSY)


def protocol(facts: Facts) -> Check:
    """Tell what reader and card agreed on, and whether it is as fast as the card offers. Slow is no hindrance."""
    found, examined = facts.reader, facts.examined
    if found is None or found.state in WITHOUT_CARD:
        return skipped(PROTOCOL)
    if examined is None or examined.protocol is None:
        return unknown(PROTOCOL, "untold")
    offered, now = examined.offered_rate, examined.rate
    told: Told = {
        "protocol": examined.protocol,
        "toldProtocol": examined.told_protocol,
        "offeredProtocols": list(examined.offered_protocols),
        "offeredRate": _rate(offered),
        "rate": _rate(now),
        "clockKilohertz": examined.clock_kilohertz,
    }
    return replace(_agreed(examined, told), values={**_spoken("", now), **_spoken("offered", offered)})


def _agreed(examined: ReaderDiagnosis, told: Told) -> Check:
    offered, now = examined.offered_rate, examined.rate
    if examined.told_protocol not in {None, examined.protocol}:
        return bad(PROTOCOL, "disagrees", told, hinders=False)
    if now is None:
        return unknown(PROTOCOL, "rateUntold" if offered else "offerUntold", told)
    if offered is not None and now.divider * offered.factor < offered.divider * now.factor:
        return bad(PROTOCOL, "slower", told, hinders=False)
    return good(PROTOCOL, told)


def _spoken(prefix: str, rate: Rate | None) -> dict[str, int]:
    """Return a rate as the variables of sentences: "factor" and "divider", or with a prefix."""
    numbers = {} if rate is None else {"factor": rate.factor, "divider": rate.divider}
    return {f"{prefix}{name.capitalize()}" if prefix else name: number for name, number in numbers.items()}


def _rate(rate: Rate | None) -> Told | None:
    return None if rate is None else {"factor": rate.factor, "divider": rate.divider}
