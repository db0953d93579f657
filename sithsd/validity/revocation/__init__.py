"""Has this certificate been revoked: what OCSP responses (RFC 6960) and CRLs (RFC 5280, 5) tell, with the evidence."""
