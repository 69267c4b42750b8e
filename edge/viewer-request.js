// The viewer-request function of the workspace domain. CloudFront Functions, runtime cloudfront-js-2.0: at most 10 kB, no
// network, no environment, no destructuring, no optional chaining. It decides from the request and the key-value store
// alone whether a browser may reach a task, and which one. The contract stands in protocol/route-token.ts.
import cf from "cloudfront";
// biome-ignore lint/style/useNodejsImportProtocol: the runtime knows this module by this name only.
import crypto from "crypto";

const TICKET = "atelier-ticket";
// Asks for a new proof, whatever the browser holds: the page for a task that does not answer sends here.
const ENTER = "atelier-enter";
const HEADER = "x-atelier-route";
const COOKIE = "atelier_route";
const PORT = 22999;
// A proxy's word that only CloudFront or nobody may give; user code must not read a forged one.
const FORGEABLE = /^(x-forwarded-.*|x-real-ip|x-original-.*|x-rewrite-url|forwarded|true-client-ip|x-atelier-.*)$/;
const LABEL = /^([1-9][0-9]{0,4}-)?([a-z]{3,12}-[a-z]{3,12}-[a-z0-9]{8})$/;

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by this name, and exports are not allowed.
async function handler(event) {
  const request = event.request;
  const store = cf.kvs();
  const site = JSON.parse(await store.get("site"));
  const host = (textOf(request.headers, "host") || "").toLowerCase();
  stripForgeable(request.headers);

  const workspaceId = workspaceOf(host, site.hostSuffix);
  if (!workspaceId) {
    return page(
      404,
      "Not Found",
      "There is no workspace at this address.",
      "Open your workspaces",
      site.dashboard + "/",
    );
  }
  const instance = workspaceId + "-r";

  const tickets = take(request.querystring, TICKET, false);
  if (take(request.querystring, ENTER, false).length > 0 && isNavigation(request)) return enter(request, site, host);
  for (let i = 0; i < tickets.length && i < 4; i++) {
    const payload = await verify(store, tickets[i], 2, "ticket", host, instance);
    if (payload) {
      // The supervisor redeems it, so this one parameter goes on.
      request.querystring[TICKET] = { value: tickets[i] };
      take(request.cookies, COOKIE, true);
      return route(request, payload, host);
    }
  }

  const tokens = take(request.cookies, COOKIE, true, site.secure);
  for (let i = 0; i < tokens.length && i < 4; i++) {
    const payload = await verify(store, tokens[i], 3, "token", host, instance);
    if (payload) {
      request.headers[HEADER] = { value: tokens[i] };
      return route(request, payload, host);
    }
  }

  if (isNavigation(request)) return enter(request, site, host);
  return {
    statusCode: 401,
    statusDescription: "Unauthorized",
    headers: { "content-type": { value: "text/plain; charset=utf-8" }, "cache-control": { value: "no-store" } },
    body: "You are not signed in to this workspace. Open it in a browser tab: " + site.dashboard + "/\n",
  };
}

/** To the dashboard, which gives a new proof, offers to start, or says no. */
function enter(request, site, host) {
  const here = (site.secure ? "https://" : "http://") + host + request.uri + queryText(request.querystring);
  return {
    statusCode: 302,
    statusDescription: "Found",
    headers: {
      location: { value: site.dashboard + "/enter?to=" + encodeURIComponent(here) },
      "cache-control": { value: "no-store" },
    },
  };
}

function route(request, payload, host) {
  cf.updateRequestOrigin({
    domainName: payload.o,
    hostHeader: host,
    customOriginConfig: { port: PORT, protocol: "http", sslProtocols: ["TLSv1.2"] },
  });
  return request;
}

/** What was signed, when proof, kind, host, instance (its beginning) and expiry are right; otherwise undefined. */
async function verify(store, text, parts, kind, host, instance) {
  try {
    const split = text.split(".");
    if (split.length !== parts || text.length > 2048) return undefined;
    const payload = JSON.parse(Buffer.from(split[0], "base64url").toString("utf8"));
    if (typeof payload.k !== "string" || !/^[A-Za-z0-9_-]{1,32}$/.test(payload.k)) return undefined;
    const key = Buffer.from(await store.get("edge-key." + payload.k), "base64url");
    const proof = crypto.createHmac("sha256", key).update(split[0]).digest("base64url");
    if (!equals(proof, split[1])) return undefined;
    if (payload.t !== kind || payload.h !== host || String(payload.i).indexOf(instance) !== 0) return undefined;
    if (typeof payload.e !== "number" || payload.e * 1000 <= Date.now()) return undefined;
    return typeof payload.o === "string" && payload.o ? payload : undefined;
  } catch (_error) {
    // Not base64url, not JSON, or a key that the store no longer has.
    return undefined;
  }
}

/** Equal texts; takes the same time wherever they differ. */
function equals(a, b) {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

function workspaceOf(host, suffix) {
  if (!host.endsWith(suffix)) return undefined;
  const match = LABEL.exec(host.slice(0, host.length - suffix.length));
  if (!match) return undefined;
  return match[1] && Number(match[1].slice(0, -1)) > 65535 ? undefined : match[2];
}

/**
 * Removes a parameter or a cookie in every spelling, and gives its values. Of cookies, only the one that fits the scheme counts:
 * with https a sibling's page can plant `atelier_route`, but not `__Host-atelier_route`.
 */
function take(bag, name, isCookie, secure) {
  const values = [];
  const keys = Object.keys(bag || {});
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i].toLowerCase();
    const isPrefixed = isCookie && key === "__host-" + name;
    if (key !== name && !isPrefixed) continue;
    const entry = bag[keys[i]];
    const all = entry.multiValue || [entry];
    for (let j = 0; j < all.length; j++) {
      if (!isCookie || isPrefixed === Boolean(secure)) values.push(all[j].value);
    }
    delete bag[keys[i]];
  }
  return values;
}

function stripForgeable(headers) {
  const names = Object.keys(headers);
  for (let i = 0; i < names.length; i++) {
    if (FORGEABLE.test(names[i])) delete headers[names[i]];
  }
}

function isNavigation(request) {
  const headers = request.headers;
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  // `upgrade` itself is not shown to a function.
  if (headers["sec-websocket-key"]) return false;
  const mode = textOf(headers, "sec-fetch-mode");
  return mode ? mode === "navigate" : (textOf(headers, "accept") || "").indexOf("text/html") >= 0;
}

/** The query as it stands in the URL, parts still encoded. */
function queryText(querystring) {
  const parts = [];
  const names = Object.keys(querystring || {});
  for (let i = 0; i < names.length; i++) {
    const entry = querystring[names[i]];
    const all = entry.multiValue || [entry];
    for (let j = 0; j < all.length; j++) parts.push(all[j].value === "" ? names[i] : names[i] + "=" + all[j].value);
  }
  return parts.length ? "?" + parts.join("&") : "";
}

function textOf(bag, name) {
  return bag[name] ? bag[name].value : undefined;
}

function page(status, description, text, label, link) {
  return {
    statusCode: status,
    statusDescription: description,
    headers: {
      "content-type": { value: "text/html; charset=utf-8" },
      "cache-control": { value: "no-store" },
      "content-security-policy": { value: "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'" },
    },
    body:
      '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
      "<title>Atelier</title><style>:root{color-scheme:light dark}body{font:14px/1.6 system-ui,sans-serif;max-width:36rem;" +
      "margin:20vh auto;padding:0 16px}a{color:light-dark(#b45309,#fbbf24)}</style><p>" +
      text +
      '</p><p><a href="' +
      link +
      '">' +
      label +
      "</a></p></html>",
  };
}
