"""The program sithsd-fetch: the one part of sithsd that has a network. It asks issuers what they have revoked."""
