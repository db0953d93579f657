"""Varlink over Unix sockets: what clients say and hear."""
