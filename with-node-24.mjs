// Runs a script of this repository with everything that it needs: the packages of the lock, and Node 24 from among them.
// Plain JavaScript with Node's own modules only, since nothing may be installed yet; Node 20 runs it.
//
//   node with-node-24.mjs <script> [arguments]      runs it
//   if (await haveNode24(import.meta.filename)) …   in an entry file: true once it runs with Node 24
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = dirname(fileURLToPath(import.meta.url));
const MODULES = join(ROOT, "node_modules");
const STAMP = join(MODULES, ".atelier-lock-hash");
const OLDEST_NODE = 20;
const WANTED_NODE = 24;
// npm's own patience is two minutes, in which it says nothing.
const RETRIES = ["--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=3000"];

/**
 * Installs what the lock names, unless it is there. Then, with Node 24 or newer, answers true; with an older one, runs
 * `script` again with Node 24, and ends this process as that one ends.
 * @param {string} script absolute path
 * @param {readonly string[]} args
 */
export async function haveNode24(script, args = process.argv.slice(2)) {
  if (majorVersion() < OLDEST_NODE) {
    fail(`Atelier needs Node ${OLDEST_NODE} or newer; this is ${process.version}. Get one from https://nodejs.org.`);
  }
  await installPackages();
  if (majorVersion() >= WANTED_NODE) {
    leaveWithParent();
    return true;
  }
  const node = join(MODULES, `node-${process.platform}-${process.arch}`, "bin", "node");
  if (!existsSync(node)) {
    fail(
      `There is no Node ${WANTED_NODE} for ${process.platform} ${process.arch} among the packages. ` +
        `Install Node ${WANTED_NODE} (https://nodejs.org) and run this again with it.`,
    );
  }
  await runInstead(node, [script, ...args]);
  return false;
}

function majorVersion() {
  return Number(process.versions.node.split(".")[0]);
}

/** @returns {never} */
function fail(message) {
  process.stderr.write(`\n${message}\n`);
  process.exit(1);
}

async function installPackages() {
  const lock = await readFile(join(ROOT, "package-lock.json"), "utf8");
  const hash = createHash("sha256").update(lock).digest("hex");
  if ((await readFile(STAMP, "utf8").catch(() => "")) === hash) return;
  // Somebody may have installed them with npm.
  if (!(await modulesMatch(JSON.parse(lock)))) await replaceModules(JSON.parse(lock));
  await writeFile(STAMP, hash);
}

/** Whether npm's own record of what is installed has what the lock has. Optional packages may be of other platforms. */
async function modulesMatch(lock) {
  const record = await readFile(join(MODULES, ".package-lock.json"), "utf8").catch(() => undefined);
  if (record === undefined) return false;
  const installed = JSON.parse(record).packages;
  const platform = `node_modules/node-${process.platform}-${process.arch}`;
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (path === "") return true;
    if (installed[path] === undefined) return wanted.optional === true && path !== platform;
    return installed[path].version === wanted.version;
  });
}

/** Installs beside and swaps, so that an install that fails takes nothing away. */
async function replaceModules(lock) {
  const workshop = join(ROOT, "build", `.install-${process.pid}`);
  const began = Date.now();
  const end = async (message) => {
    await rm(workshop, { recursive: true, force: true }).catch(() => {});
    fail(message);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => end("Stopped. Nothing was changed."));
  try {
    await mkdir(workshop, { recursive: true });
    for (const name of ["package.json", "package-lock.json", ".npmrc"]) {
      await copyFile(join(ROOT, name), join(workshop, name)).catch((error) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
    const progress = showProgress(join(workshop, "node_modules"), Object.keys(lock.packages).length - 1, began);
    const { code, output } = await npmInstall(workshop);
    progress.stop();
    if (code !== 0) return await end(explain(output));
    const old = join(workshop, "old");
    await rename(MODULES, old).catch((error) => {
      if (error.code !== "ENOENT") throw error;
    });
    await rename(join(workshop, "node_modules"), MODULES);
    await rm(workshop, { recursive: true, force: true });
  } catch (error) {
    return await end(explain(`${error.code} ${error.message}`));
  }
  for (const signal of ["SIGINT", "SIGTERM"]) process.removeAllListeners(signal);
  say(`Packages are installed (${seconds(began)}).`, true);
}

/** @returns {Promise<{code: number | null, output: string}>} */
function npmInstall(folder) {
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...RETRIES];
  const own = process.env.npm_execpath;
  const viaNode = own?.endsWith(".js") || own?.endsWith(".cjs");
  const child = spawn(viaNode ? process.execPath : "npm", viaNode ? [own, ...args] : args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  return new Promise((resolveWith) => {
    child.once("error", (error) => resolveWith({ code: 1, output: `npm cannot be started: ${error.message}` }));
    child.once("close", (code) => resolveWith({ code, output }));
  });
}

/** One line that is written over, where somebody looks; one line in a log. */
function showProgress(folder, expected, began) {
  say("Installing packages …", false);
  if (!process.stdout.isTTY) process.stdout.write("\n");
  const timer = setInterval(async () => {
    const names = await readdir(folder).catch(() => []);
    const scopes = names.filter((name) => name.startsWith("@"));
    const scoped = await Promise.all(scopes.map((scope) => readdir(join(folder, scope)).catch(() => [])));
    const count = names.length - scopes.length + scoped.flat().length;
    if (process.stdout.isTTY) say(`Installing packages … about ${count} of ${expected}, ${seconds(began)}`, false);
  }, 500);
  return { stop: () => clearInterval(timer) };
}

function say(text, whole) {
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${text}${whole ? "\n" : ""}` : text + (whole ? "\n" : ""));
}

function seconds(began) {
  return `${((Date.now() - began) / 1000).toFixed(0)} s`;
}

/** What a person can do about it. */
function explain(output) {
  const said = output.trim().split("\n").slice(-12).join("\n");
  if (/ENOSPC|no space left/i.test(output)) {
    return "The disk is full: packages need about 700 MB. Free some space and run this again. Nothing was changed.";
  }
  if (
    /ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|network/i.test(
      output,
    )
  ) {
    return (
      "The package registry cannot be reached, and packages are missing. Check the network (or npm's `registry` and `proxy` " +
      `settings) and run this again. What was installed is still there.\n\nnpm said:\n${said}`
    );
  }
  return `The packages cannot be installed. What was installed is still there.\n\nnpm said:\n${said}`;
}

/** Becomes `node args` as far as one can: same streams, signals passed on, same end. */
async function runInstead(node, args) {
  // In a session of its own, so that Ctrl-C reaches it once and not twice: by us.
  const child = spawn(node, args, { stdio: ["inherit", "inherit", "inherit", "ipc"], detached: true });
  let last = { signal: "", at: 0 };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    process.on(signal, () => {
      // npm passes on what the terminal has sent us too.
      const now = Date.now();
      if (signal === last.signal && now - last.at < 300) return;
      last = { signal, at: now };
      child.kill(signal);
    });
  }
  const [code, signal] = await new Promise((resolveWith, reject) => {
    child.once("error", reject);
    child.once("exit", (...ended) => resolveWith(ended));
  });
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
}

/** Ends this process when the one that `runInstead` ran in was killed: a detached child would go on for ever. */
function leaveWithParent() {
  if (!process.channel) return;
  process.channel.unref();
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) fail("Usage: node with-node-24.mjs <script> [arguments]");
  if (await haveNode24(fileURLToPath(import.meta.url), [script, ...args])) {
    const file = resolve(script);
    process.argv = [process.execPath, file, ...args];
    await import(pathToFileURL(file).href);
  }
}
