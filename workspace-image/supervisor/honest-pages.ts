/** What the gate says when it has nothing to show. Plain words, and what to do next. */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";

export interface Page {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  readonly link?: { readonly label: string; readonly href: string } | undefined;
  /** Seconds after which it is worth asking again; a browser does so by itself. */
  readonly retryAfter?: number;
}

/** The headers and body of a page: HTML for who asks for it, text for everybody else. */
export function render(page: Page, headers: IncomingHttpHeaders): { headers: Record<string, string>; body: string } {
  const isHtml = headers.accept?.includes("text/html") ?? false;
  const common: Record<string, string> = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(page.retryAfter === undefined ? {} : { "retry-after": String(page.retryAfter) }),
  };
  if (!isHtml) {
    const link = page.link ? ` ${page.link.label}: ${page.link.href}` : "";
    return {
      headers: { ...common, "content-type": "text/plain; charset=utf-8" },
      body: `${page.title}. ${page.text}${link}\n`,
    };
  }
  return {
    headers: {
      ...common,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
    },
    body: html(page),
  };
}

export function answerPage(response: ServerResponse, page: Page): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { headers, body } = render(page, response.req.headers);
  // The request's body may still be on its way, and nobody reads it.
  response.writeHead(page.status, { ...headers, "content-length": Buffer.byteLength(body), connection: "close" });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

const STYLE = `:root{color-scheme:light dark}body{font:14px/1.6 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 16px;
background:light-dark(#fafaf9,#1c1917);color:light-dark(#1c1917,#e7e5e4)}h1{font-size:20px;line-height:28px;font-weight:600}
a{color:light-dark(#b45309,#fbbf24)}`;

function html({ title, text, link, retryAfter }: Page): string {
  const refresh = retryAfter === undefined ? "" : `<meta http-equiv="refresh" content="${retryAfter}">`;
  const anchor = link ? `<p><a href="${escapeHtml(link.href)}">${escapeHtml(link.label)}</a></p>` : "";
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${refresh}
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${anchor}</body></html>`;
}

export function escapeHtml(text: string): string {
  const names: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replaceAll(/[&<>"']/g, (character) => names[character] as string);
}
