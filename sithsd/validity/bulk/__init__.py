"""Certificates by the million: the verdict that the judge gives each of them, in a small part of its time."""
