/** Where things are in a history, as in the local cloud. */
export const DASHBOARD_ORIGIN = "http://localhost:4000";
export const HOST_SUFFIX = ".ws.localhost:4000";
