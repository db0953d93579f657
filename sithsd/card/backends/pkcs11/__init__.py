"""The `pkcs11` backend: cards that are used through a vendor's module (PKCS#11 v2.40), in a process of its own."""
