"""Bytes of a certificate in, meaning out: whose it is, what for, from whom. It takes bytes and values, never a card."""
