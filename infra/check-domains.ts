import { getDomain } from "tldts";

/**
 * Workspaces run anybody's code, and cookies as well as `SameSite` know only registrable domains: so the dashboard and the
 * workspaces must not share one. Private suffixes count (`github.io`): browsers heed them too.
 * @throws Error that says what to do
 */
export function checkDomains(dashboardDomain: string, workspaceDomain: string): void {
  const [dashboard, workspace] = [dashboardDomain, workspaceDomain].map(registrableDomain);
  if (dashboard !== workspace) return;
  throw new Error(
    `The dashboard (${dashboardDomain}) and the workspaces (${workspaceDomain}) share the registrable domain ${dashboard}. ` +
      "Serve workspaces under a domain of their own, such as atelier-workspaces.example.",
  );
}

/** A name that is itself a suffix (`localhost`) stands for itself. */
function registrableDomain(name: string): string {
  return getDomain(name, { allowPrivateDomains: true }) ?? name;
}
