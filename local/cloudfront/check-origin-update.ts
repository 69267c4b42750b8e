/** What a function passes to `cf.updateRequestOrigin`; what is left out is inherited from the distribution's origin. */
import { isIP } from "node:net";

export interface OriginUpdate {
  readonly domainName?: string;
  /** Wins over the viewer's `Host`, whatever the origin request policy says. */
  readonly hostHeader?: string;
  readonly originPath?: string;
  readonly customHeaders?: Readonly<Record<string, string>>;
  readonly connectionAttempts?: number;
  /** Seconds. */
  readonly timeouts?: {
    readonly readTimeout?: number;
    readonly keepAliveTimeout?: number;
    readonly connectionTimeout?: number;
    readonly responseCompletionTimeout?: number;
  };
  readonly customOriginConfig?: {
    readonly port: number;
    readonly protocol: "http" | "https";
    readonly sslProtocols?: readonly string[];
    readonly ipAddressType?: string;
  };
}

const KEYS = [
  "domainName",
  "hostHeader",
  "originPath",
  "customHeaders",
  "connectionAttempts",
  "timeouts",
  "customOriginConfig",
];
const TIMEOUTS: Record<string, [number, number]> = {
  readTimeout: [1, 120],
  keepAliveTimeout: [1, 120],
  connectionTimeout: [1, 10],
  responseCompletionTimeout: [1, 3600],
};

/** @returns the update, or a sentence that says what is wrong with it */
export function checkOriginUpdate(value: unknown): OriginUpdate | string {
  if (typeof value !== "object" || value === null) return "updateRequestOrigin needs an object.";
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown) return `updateRequestOrigin: ${unknown} is not modelled.`;
  const update = value as OriginUpdate;
  const name = update.domainName;
  if (name !== undefined && (typeof name !== "string" || !/^[A-Za-z0-9._-]{1,253}$/.test(name) || isIP(name) !== 0)) {
    return "updateRequestOrigin: domainName must be a DNS name, without a port; an IP address is not one.";
  }
  for (const [key, seconds] of Object.entries(update.timeouts ?? {})) {
    const range = TIMEOUTS[key];
    if (!range) return `updateRequestOrigin: timeouts.${key} is not known.`;
    if (typeof seconds !== "number" || seconds < range[0] || seconds > range[1]) {
      return `updateRequestOrigin: timeouts.${key} must be ${range[0]} to ${range[1]} seconds.`;
    }
  }
  const custom = update.customOriginConfig;
  if (custom !== undefined) {
    if (!Number.isInteger(custom.port) || !(custom.port === 80 || custom.port === 443 || custom.port >= 1024)) {
      return "updateRequestOrigin: customOriginConfig.port must be 80, 443 or 1024 to 65535.";
    }
    if (custom.port > 65_535) return "updateRequestOrigin: customOriginConfig.port must be 80, 443 or 1024 to 65535.";
    if (custom.protocol !== "http" && custom.protocol !== "https") {
      return "updateRequestOrigin: customOriginConfig.protocol must be http or https.";
    }
  }
  const attempts = update.connectionAttempts;
  if (attempts !== undefined && ![1, 2, 3].includes(attempts)) {
    return "updateRequestOrigin: connectionAttempts must be 1, 2 or 3.";
  }
  return update;
}
