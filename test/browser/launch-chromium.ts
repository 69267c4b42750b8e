/**
 * A headless Chromium that came from npm, driven by playwright-core. Needs neither root nor a package of the system:
 * the browser and the few libraries that a bare Debian lacks are unpacked once into `ATELIER_CACHE`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";

const require = createRequire(import.meta.url);

/**
 * Not taken from the package: its own list switches web security and site isolation off, which would make every test of
 * origins, preflights and cookies void.
 */
const ARGUMENTS = [
  "--no-sandbox",
  "--no-zygote",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--font-render-hinting=none",
];

export async function launchChromium(): Promise<Browser> {
  if (process.arch !== "x64") return chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGUMENTS });
  const folder = unpackChromium();
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    args: ARGUMENTS,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      LD_LIBRARY_PATH: join(folder, "al2023", "lib"),
      FONTCONFIG_FILE: join(folder, "fonts.conf"),
    },
  });
}

const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
`;

/** @returns the folder with `chromium`, `al2023/lib` and `fonts`. Unpacked beside it and renamed into place whole. */
function unpackChromium(): string {
  const packageFolder = join(dirname(require.resolve("@sparticuz/chromium")), "..", "..");
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { version: string };
  const cache = process.env.ATELIER_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "atelier");
  const folder = join(cache, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  const inflate = (name: string) => brotliDecompressSync(readFileSync(join(packageFolder, "bin", name)));
  writeFileSync(join(unfinished, "chromium"), inflate("chromium.br"), { mode: 0o755 });
  for (const [archive, into] of [
    ["al2023.tar.br", "al2023"],
    ["fonts.tar.br", "fonts"],
  ] as const) {
    mkdirSync(join(unfinished, into));
    execFileSync("tar", ["-xf", "-", "-C", join(unfinished, into)], { input: inflate(archive) });
  }
  // The package's own file names folders of Lambda; without a font, every text is invisible.
  writeFileSync(join(unfinished, "fonts.conf"), FONTS);
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Somebody else was quicker; theirs is as good.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
