/** GET /enter?to=<workspace URL>: where the edge sends a browser that has no proof that it may reach that workspace. */
import { page } from "#functions/access/page.ts";
import { readSession } from "#functions/access/session.ts";
import type { HttpAnswer, HttpEvent } from "#functions/runtime/aws-events.ts";
import { env } from "#functions/runtime/config.ts";
import { httpStatusOf, onHttp } from "#functions/runtime/middleware.ts";
import { AtelierError } from "#protocol/errors.ts";
import { openDoor } from "./enter-workspace.ts";
import { phaseOf } from "./phase.ts";
import { site } from "./site.ts";
import { getWorkspace } from "./workspace-store.ts";
import { parseWorkspaceUrl } from "./workspace-url.ts";

export const handler = onHttp(
  {
    env: ["TABLE_NAME", "ROOT_KEY_PARAMETER", "DASHBOARD_ORIGIN", "WORKSPACE_HOST_SUFFIX", "OIDC_PROVIDER"],
    onError: (error) => page(httpStatusOf(error), "This did not work", error.message, [home()]),
  },
  enter,
);

export async function enter(event: Pick<HttpEvent, "queryStringParameters" | "cookies">): Promise<HttpAnswer> {
  const to = parseWorkspaceUrl(event.queryStringParameters?.to ?? "", site());
  if (!to) return page(400, "No such address", "This is not the address of a workspace.", [home()]);
  const session = await readSession(event.cookies);
  if (!session) {
    const here = `/enter?to=${encodeURIComponent(to.url)}`;
    return redirect(`/login/${env("OIDC_PROVIDER")}?return=${encodeURIComponent(here)}`);
  }
  const row = await getWorkspace(to.workspaceId);
  if (!row || row.deleted || row.ownerId !== session.userId) {
    // The same page for both, so that ids cannot be probed.
    const text = `There is no such workspace, or it belongs to somebody else. You are signed in as ${session.name}.`;
    return page(404, "Not your workspace", text, [home()]);
  }
  if (!row.instance || phaseOf(row.instance) !== "running") {
    return redirect(`${site().dashboardOrigin}/#/start/${row.id}`);
  }
  try {
    return redirect((await openDoor(row, session, { port: to.port, path: to.path })).url);
  } catch (error) {
    if (!(error instanceof AtelierError && error.kind === "CONFLICT")) throw error;
    return redirect(`${site().dashboardOrigin}/#/start/${row.id}`);
  }
}

function redirect(location: string): HttpAnswer {
  return {
    statusCode: 303,
    headers: { location, "cache-control": "no-store", "referrer-policy": "no-referrer" },
    body: "",
  };
}

function home(): { href: string; text: string } {
  return { href: `${env("DASHBOARD_ORIGIN")}/`, text: "Your workspaces" };
}
