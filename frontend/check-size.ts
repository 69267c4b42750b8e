/**
 * What a browser loads before the start page can be used, gzipped: index.html and what it names. Fails above the limit, and
 * for anything that a strict content security policy would refuse: inline scripts and styles, other origins.
 * Run after `vite build`.
 */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 60;
const SITE = new URL("../build/frontend/", import.meta.url);

const html = readFileSync(new URL("index.html", SITE), "utf8");
const named = [...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((match) => match[1] as string);
let total = 0;
for (const name of ["index.html", ...new Set(named)]) {
  const bytes = gzipSync(readFileSync(new URL(name, SITE)), { level: 9 }).length;
  total += bytes;
  console.log(`${(bytes / 1_000).toFixed(1).padStart(6)} kB  ${name}`);
}
console.log(`${(total / 1_000).toFixed(1).padStart(6)} kB  in all, of ${LIMIT_KB} kB allowed`);
if (total > LIMIT_KB * 1_000) process.exitCode = 1;

for (const refused of [
  /<script(?![^>]* src=)[^>]*>/i,
  /<style/i,
  / style=/i,
  / on\w+=/i,
  /(?:src|href)="(?!\/(?!\/))[^"]*"/i,
]) {
  const found = refused.exec(html)?.[0];
  if (found === undefined) continue;
  console.error(`index.html has ${found}, which the content security policy refuses.`);
  process.exitCode = 1;
}
