import type { IncomingMessage, ServerResponse } from "node:http";

/** Something between viewer and origin went wrong: the status that CloudFront would answer, and a sentence for people. */
export class ViewerError extends Error {
  override readonly name = "ViewerError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Answers a page to browsers that navigate, plain text to everybody else. Does nothing once an answer has begun. */
export function sendError(request: IncomingMessage, response: ServerResponse, status: number, sentence: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const isPage = request.headers.accept?.includes("text/html");
  const body = isPage
    ? `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${status}</title><body style="font:14px/1.5 system-ui;max-width:40rem;margin:20vh auto;padding:0 16px"><p style="opacity:.6">${status}</p><p>${escapeHtml(sentence)}</p></body></html>`
    : `${sentence}\n`;
  response.writeHead(status, {
    "content-type": `text/${isPage ? "html" : "plain"}; charset=utf-8`,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-cache": "Error from cloudfront",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
