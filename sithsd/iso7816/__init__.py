"""Pure codecs of ISO/IEC 7816: no input, no output, no state."""
