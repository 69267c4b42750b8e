/** Where this deployment is reached. */
import { env } from "#functions/runtime/config.ts";

export interface Site {
  /** `https://atelier.example.com` */
  dashboardOrigin: string;
  /** `https:` or `http:` */
  scheme: string;
  /** `.ws.localhost:4000` */
  hostSuffix: string;
}

export function site(): Site {
  const dashboardOrigin = env("DASHBOARD_ORIGIN");
  return { dashboardOrigin, scheme: new URL(dashboardOrigin).protocol, hostSuffix: env("WORKSPACE_HOST_SUFFIX") };
}
