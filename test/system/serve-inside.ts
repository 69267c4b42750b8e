/** A program of the person's inside a workspace: says what reaches it. It runs as the workspace's own, by the variable that all of its processes inherit. */
import { spawn } from "node:child_process";
import { once } from "node:events";

const SOURCE = `
const server = require("node:http").createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.setHeader("set-cookie", ["atelier_route=planted; Path=/", "theme=dark; Domain=ws.localhost"]);
  response.end(JSON.stringify({ url: request.url, headers: request.headers }));
});
server.on("upgrade", (request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nconnection: Upgrade\\r\\nupgrade: websocket\\r\\nx-seen: " + JSON.stringify(request.headers) + "\\r\\n\\r\\n");
});
server.listen(0, "127.0.0.1", () => process.stdout.write(server.address().port + "\\n"));
`;

export interface InsideServer {
  readonly port: number;
  stop(): Promise<void>;
}

export async function serveInside(instanceId: string): Promise<InsideServer> {
  const child = spawn(process.execPath, ["-e", SOURCE], {
    env: { PATH: process.env.PATH ?? "", ATELIER_INSTANCE: instanceId },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  return {
    port: Number(first.toString()),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
