"""Simulated SITHS cards and the readers they are put into.

Nothing here is shared with the rooms that read cards: a bug common to both sides would hide itself.
"""
