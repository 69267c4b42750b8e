/** `AWS::CloudFront::ResponseHeadersPolicy`: what is put on, or taken off, every response of a behaviour. */
import { checkKeys } from "./check-keys.ts";

export interface ResponseHeadersPolicy {
  readonly set: readonly { readonly name: string; readonly value: string; readonly override: boolean }[];
  readonly remove: readonly string[];
  readonly cors?: {
    readonly origins: readonly string[];
    readonly override: boolean;
    readonly headers: Readonly<Record<string, string>>;
  };
}

type Headers = Record<string, string | string[] | number | undefined>;
type Setting = Record<string, unknown> & { Override?: unknown };

/** @param config `ResponseHeadersPolicyConfig` */
export function readResponseHeadersPolicy(config: Record<string, unknown>): ResponseHeadersPolicy {
  checkKeys("ResponseHeadersPolicyConfig", config, [
    "Comment",
    "Name",
    "CorsConfig",
    "CustomHeadersConfig",
    "RemoveHeadersConfig",
    "SecurityHeadersConfig",
  ]);
  const security = (config.SecurityHeadersConfig ?? {}) as Record<string, Setting>;
  const set = Object.entries(security).map(([kind, setting]) => {
    const read = SECURITY[kind];
    if (!read) throw new Error(`SecurityHeadersConfig.${kind} is not modelled.`);
    const [name, value] = read(setting);
    return { name, value, override: isTrue(setting.Override) };
  });
  const custom = (config.CustomHeadersConfig as { Items?: Setting[] } | undefined)?.Items ?? [];
  for (const item of custom) {
    set.push({ name: String(item.Header).toLowerCase(), value: String(item.Value), override: isTrue(item.Override) });
  }
  const removed = (config.RemoveHeadersConfig as { Items?: { Header: string }[] } | undefined)?.Items ?? [];
  const cors = readCors(config.CorsConfig as Record<string, unknown> | undefined);
  return { set, remove: removed.map((item) => item.Header.toLowerCase()), ...(cors ? { cors } : {}) };
}

const isTrue = (value: unknown): boolean => value === true || value === "true";

const SECURITY: Record<string, (setting: Setting) => [string, string]> = {
  ContentSecurityPolicy: (s) => ["content-security-policy", String(s.ContentSecurityPolicy)],
  ContentTypeOptions: () => ["x-content-type-options", "nosniff"],
  FrameOptions: (s) => ["x-frame-options", String(s.FrameOption)],
  ReferrerPolicy: (s) => ["referrer-policy", String(s.ReferrerPolicy)],
  StrictTransportSecurity: (s) => [
    "strict-transport-security",
    `max-age=${String(s.AccessControlMaxAgeSec)}${isTrue(s.IncludeSubdomains) ? "; includeSubDomains" : ""}${isTrue(s.Preload) ? "; preload" : ""}`,
  ],
  XSSProtection: (s) => [
    "x-xss-protection",
    `${isTrue(s.Protection) ? "1" : "0"}${isTrue(s.ModeBlock) ? "; mode=block" : ""}`,
  ],
};

function readCors(config: Record<string, unknown> | undefined): ResponseHeadersPolicy["cors"] {
  if (!config) return undefined;
  const items = (key: string) => (config[key] as { Items?: string[] } | undefined)?.Items ?? [];
  const headers: Record<string, string> = {
    "access-control-allow-methods": items("AccessControlAllowMethods").join(", "),
    "access-control-allow-headers": items("AccessControlAllowHeaders").join(", "),
    "access-control-expose-headers": items("AccessControlExposeHeaders").join(", "),
    "access-control-max-age": String(config.AccessControlMaxAgeSec ?? ""),
    "access-control-allow-credentials": isTrue(config.AccessControlAllowCredentials) ? "true" : "",
  };
  return {
    origins: items("AccessControlAllowOrigins"),
    override: isTrue(config.OriginOverride),
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== "")),
  };
}

/** Changes `headers` (lower-case names) in place. */
export function applyResponseHeadersPolicy(
  policy: ResponseHeadersPolicy,
  headers: Headers,
  viewerOrigin: string | undefined,
): void {
  for (const name of policy.remove) delete headers[name];
  for (const { name, value, override } of policy.set) {
    if (override || headers[name] === undefined) headers[name] = value;
  }
  const { cors } = policy;
  if (!cors || viewerOrigin === undefined) return;
  if (!cors.override && headers["access-control-allow-origin"] !== undefined) return;
  const any = cors.origins.includes("*");
  if (!any && !cors.origins.includes(viewerOrigin)) return;
  headers["access-control-allow-origin"] = any ? "*" : viewerOrigin;
  if (!any) headers.vary = [headers.vary, "origin"].flat().filter(Boolean).join(", ");
  Object.assign(headers, cors.headers);
}
