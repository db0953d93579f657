"""Cards with an ISO/IEC 7816-15 (PKCS#15) file system."""
