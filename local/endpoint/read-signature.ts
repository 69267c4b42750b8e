/** What a request's signature says of who calls which service; the signature itself is not verified here. */
export interface SignatureScope {
  readonly accessKeyId: string;
  /** `undefined` for SigV4A, whose scope names no region. */
  readonly region: string | undefined;
  readonly service: string;
}

/**
 * Reads the credential scope of SigV4 (`<key>/<date>/<region>/<service>/aws4_request`) and SigV4A (no region), from the
 * `Authorization` header or, for presigned URLs, from `X-Amz-Credential`. `undefined` when there is none.
 */
export function readSignatureScope(
  authorization: string | undefined,
  query: URLSearchParams,
): SignatureScope | undefined {
  const header = /^AWS4-(?:HMAC|ECDSA-P256)-SHA256\s.*?Credential=([^,\s]+)/.exec(authorization ?? "")?.[1];
  const credential = header ?? query.get("X-Amz-Credential") ?? undefined;
  if (credential === undefined) return undefined;
  const parts = credential.split("/");
  if (parts.pop() !== "aws4_request") return undefined;
  const [accessKeyId, date, ...rest] = parts;
  const service = rest.pop();
  const [region, ...more] = rest;
  if (!accessKeyId || !date || !service || more.length > 0) return undefined;
  return { accessKeyId, region, service };
}
