/** The wire's version. It grows when an old client can no longer talk to a new server; a mismatch is `VERSION_MISMATCH`. */
export const PROTOCOL_VERSION = 1;
