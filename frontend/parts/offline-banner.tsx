import { useEffect, useState } from "preact/hooks";
import { useApp, useUser } from "../app.ts";
import { Button } from "./button.tsx";

/** A lost socket is back within this time as a rule; nobody needs to hear of it. */
const GRACE_MS = 3_000;

/** Says when what is shown may be old. */
export function OfflineBanner() {
  const { client } = useApp();
  const user = useUser();
  const connection = client.connection.state.value;
  const [online, setOnline] = useState(() => navigator.onLine !== false);
  const [late, setLate] = useState(false);
  useEffect(() => {
    const onChange = () => setOnline(navigator.onLine !== false);
    addEventListener("online", onChange);
    addEventListener("offline", onChange);
    return () => {
      removeEventListener("online", onChange);
      removeEventListener("offline", onChange);
    };
  }, []);
  useEffect(() => {
    setLate(false);
    if (connection !== "lost") return;
    const timer = setTimeout(() => setLate(true), GRACE_MS);
    return () => clearTimeout(timer);
  }, [connection]);

  if (!user || (online && !late)) return null;
  return (
    <div
      role="status"
      class="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 rounded-lg border border-edge/60 bg-surface py-2 pr-2 pl-4"
    >
      <p>
        <span class="font-medium">{online ? "The connection is lost." : "You are offline."}</span>{" "}
        <span class="text-dim">What you see may be old. It is brought up to date by itself.</span>
      </p>
      {online && (
        <Button size="small" onClick={() => client.connection.nudge()}>
          Connect now
        </Button>
      )}
    </div>
  );
}
