/** The names that CloudFront's origins have, and where they listen on this machine. */
export type OriginAddress = { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** A service that is an origin: buckets and APIs. */
export interface OriginDirectory {
  /** @returns `undefined` for a name that is not of this service */
  resolveOrigin(domainName: string): OriginAddress | undefined;
}
