"""sithsd: the Linux middleware daemon for SITHS cards."""

__version__ = "0.1.0"
