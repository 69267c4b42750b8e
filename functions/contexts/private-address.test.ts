import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPrivateAddress } from "./private-address.ts";

describe("isPrivateAddress", () => {
  it.each([
    ..."127.0.0.1 127.255.0.1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0".split(
      " ",
    ),
    ..."255.255.255.255 224.0.0.1 ::1 :: fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 ::ffff:10.0.0.1 ::ffff:7f00:1".split(
      " ",
    ),
    ..."64:ff9b::a9fe:a9fe ff02::1 not-an-address".split(" "),
  ])("holds %s for private", (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each(
    "1.1.1.1 140.82.112.3 172.15.0.1 172.32.0.1 192.167.1.1 100.128.0.1 2606:4700::1 ::ffff:8.8.8.8 64:ff9b::808:808".split(
      " ",
    ),
  )("holds %s for public", (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });

  it("judges an IPv4 address in IPv6 clothes as the address itself", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(isPrivateAddress(`::ffff:${address}`)).toBe(isPrivateAddress(address));
      }),
    );
  });
});
