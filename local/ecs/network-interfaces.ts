import type { AddressBook, RandomSource } from "../service.ts";

/** A task's network interface. `privateAddress` is a loopback address of its own, on which only this task listens. */
export interface NetworkInterface {
  readonly id: string;
  readonly privateAddress: string;
  readonly macAddress: string;
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
  /** Only with `assignPublicIp: ENABLED`. */
  readonly association?: { readonly publicAddress: string; readonly publicDnsName: string };
}

export interface InterfaceRequest {
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
  readonly assignPublicAddress: boolean;
}

/**
 * Every living network interface: its id, its loopback address, its public name. Linux answers on all of 127.0.0.0/8, so that
 * each task has all ports for itself, as on Fargate.
 */
export class NetworkInterfaces implements AddressBook {
  readonly #random: RandomSource;
  readonly #region: string;
  readonly #byId = new Map<string, NetworkInterface>();
  readonly #byName = new Map<string, NetworkInterface>();
  readonly #addresses = new Set<string>();

  constructor(random: RandomSource, region: string) {
    this.#random = random;
    this.#region = region;
  }

  get(id: string): NetworkInterface | undefined {
    return this.#byId.get(id);
  }

  all(): readonly NetworkInterface[] {
    return [...this.#byId.values()];
  }

  attach(request: InterfaceRequest): NetworkInterface {
    const association = request.assignPublicAddress ? { association: this.#newAssociation() } : {};
    const made: NetworkInterface = {
      id: `eni-${this.#hex(9).slice(0, 17)}`,
      privateAddress: this.#unused((a, b, c) => `127.${64 + (a % 64)}.${b}.${1 + (c % 254)}`),
      macAddress: ["0a", ...(this.#hex(5).match(/../g) ?? [])].join(":"),
      subnetId: request.subnetId,
      securityGroups: request.securityGroups,
      ...association,
    };
    this.restore(made);
    return made;
  }

  /** Takes in an interface of an earlier run, whose task lives still. */
  restore(known: NetworkInterface): void {
    this.#byId.set(known.id, known);
    this.#addresses.add(known.privateAddress);
    if (known.association === undefined) return;
    this.#byName.set(known.association.publicDnsName, known);
    this.#addresses.add(known.association.publicAddress);
  }

  detach(id: string): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    this.#byId.delete(id);
    this.#addresses.delete(known.privateAddress);
    if (known.association === undefined) return;
    this.#byName.delete(known.association.publicDnsName);
    this.#addresses.delete(known.association.publicAddress);
  }

  resolve(publicDnsName: string, port: number): { host: string; port: number } | undefined {
    const known = this.#byName.get(publicDnsName.toLowerCase());
    return known === undefined ? undefined : { host: known.privateAddress, port };
  }

  /** 198.18.0.0/15 is set aside for tests of networks (RFC 2544): nobody's real address is named. */
  #newAssociation(): { publicAddress: string; publicDnsName: string } {
    const publicAddress = this.#unused((a, b, c) => `198.${18 + (a % 2)}.${b}.${1 + (c % 254)}`);
    const suffix = this.#region === "us-east-1" ? "compute-1" : `${this.#region}.compute`;
    return { publicAddress, publicDnsName: `ec2-${publicAddress.replaceAll(".", "-")}.${suffix}.amazonaws.com` };
  }

  /** At random, so that the address of a task that has just ended is hardly ever the next task's. */
  #unused(shape: (a: number, b: number, c: number) => string): string {
    for (;;) {
      const [a = 0, b = 0, c = 0] = this.#random.bytes(3);
      const address = shape(a, b, c);
      if (!this.#addresses.has(address)) return address;
    }
  }

  #hex(bytes: number): string {
    return this.#random.bytes(bytes).toString("hex");
  }
}
