/** Which addresses lie inside somebody's own network. What people paste must not make us knock there, unless that is allowed. */
import { BlockList, isIPv4, isIPv6 } from "node:net";

const blocked = new BlockList();
// IANA's special-purpose registries, as far as nothing public is behind them.
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  blocked.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 127],
  ["64:ff9b:1::", 48],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  blocked.addSubnet(network, prefix, "ipv6");
}

/** @param address IPv4 or IPv6, without brackets; IPv4 inside IPv6 counts as what it is. Whatever is neither is refused, too. */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return blocked.check(address, "ipv4");
  if (!isIPv6(address)) return true;
  const inner = embeddedIPv4(address);
  return inner === undefined ? blocked.check(address, "ipv6") : blocked.check(inner, "ipv4");
}

/** IPv4-mapped (`::ffff:0:0/96`) and NAT64 (`64:ff9b::/96`) addresses lead to an IPv4 one. */
function embeddedIPv4(address: string): string | undefined {
  // The URL parser writes every IPv6 address in the same way.
  const canonical = URL.parse(`http://[${address.replace(/%.*$/, "")}]/`)?.hostname.slice(1, -1) ?? "";
  const match = /^(?:::ffff|64:ff9b:):([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (!match) return undefined;
  const [high, low] = [Number.parseInt(match[1] as string, 16), Number.parseInt(match[2] as string, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
