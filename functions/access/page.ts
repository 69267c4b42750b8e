/** Small honest pages for when a person cannot be taken further. They load nothing. */
import type { HttpAnswer } from "#functions/runtime/aws-events.ts";

export interface PageLink {
  href: string;
  text: string;
}

const STYLE =
  ":root{color-scheme:light dark;--accent:light-dark(#b45309,#fbbf24)}body{font:14px/1.6 system-ui,sans-serif;max-width:32rem;" +
  "margin:20vh auto 0;padding:0 24px;color:light-dark(#292524,#e7e5e4);background:light-dark(#fafaf9,#1c1917)}" +
  "h1{font-size:20px;line-height:28px;font-weight:600}a{color:var(--accent)}";

/** An HTML page with a title, one paragraph and links. All text is escaped; nothing may cache it. */
export function page(statusCode: number, title: string, text: string, links: readonly PageLink[] = []): HttpAnswer {
  const anchors = links
    .map(({ href, text: label }) => `<a href="${escapeHtml(href)}">${escapeHtml(label)}</a>`)
    .join(" · ");
  return {
    statusCode,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    },
    body:
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
      `<title>${escapeHtml(title)} · Atelier</title><style>${STYLE}</style>` +
      `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${anchors ? `<p>${anchors}</p>` : ""}</html>`,
  };
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
