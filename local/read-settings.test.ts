import { expect, it } from "vitest";
import { readSettings } from "./read-settings.ts";

it("takes folders below the repository, port 4000 and any engine unless told otherwise", () => {
  expect(readSettings({ ATELIER_IDE: "/ide" }, "/repo")).toEqual({
    home: "/repo/.atelier",
    ide: "/ide",
    port: 4000,
    engine: "auto",
  });
  const given = { ATELIER_IDE: "/ide", ATELIER_HOME: "/state", ATELIER_PORT: "5000", ATELIER_ENGINE: "process" };
  expect(readSettings(given, "/repo")).toEqual({ home: "/state", ide: "/ide", port: 5000, engine: "process" });
});

it.each(["0", "65536", "http", "-1", "4000.5"])("refuses %j as a port, by the variable's name", (port) => {
  expect(() => readSettings({ ATELIER_IDE: "/ide", ATELIER_PORT: port }, "/repo")).toThrow(`ATELIER_PORT=${port}`);
});
