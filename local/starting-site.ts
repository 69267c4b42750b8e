import type { Site } from "./front-door/create-front-door.ts";

/** Answers for every name until the template is deployed: a browser that was left open tries again by itself. */
export function createStartingSite(): Site {
  return {
    handleRequest(request, response) {
      request.resume();
      response.writeHead(503, { "content-type": "text/plain; charset=utf-8", "retry-after": "1", refresh: "1" });
      response.end("Atelier is starting.\n");
    },
    handleUpgrade(_request, socket) {
      socket.end(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
      );
    },
  };
}
