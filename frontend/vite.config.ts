import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig, type Plugin } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Puts the theme script before everything else, render-blocking and hashed: Vite bundles module scripts only, and those are deferred. */
function themeScript(): Plugin {
  const source = readFileSync(`${here}theme-script.js`, "utf8");
  let reference: string | undefined;
  return {
    name: "atelier:theme-script",
    buildStart() {
      if (this.environment.mode === "build") {
        reference = this.emitFile({ type: "asset", name: "theme.js", source: source.replace(/^\s*\/\/.*\n/gm, "") });
      }
    },
    transformIndexHtml: {
      order: "post",
      handler(_html, context) {
        const built = Object.values(context.bundle ?? {}).find((file) => file.fileName.startsWith("assets/theme-"));
        return [
          { tag: "script", attrs: { src: `/${built?.fileName ?? "theme-script.js"}` }, injectTo: "head-prepend" },
        ];
      },
    },
    generateBundle() {
      if (reference) this.getFileName(reference);
    },
  };
}

/** Static files for any file server: hashed names, nothing inline, nothing of a third party. */
export default defineConfig({
  root: here,
  base: "/",
  publicDir: `${here}public`,
  plugins: [tailwindcss(), themeScript()],
  build: {
    outDir: `${here}../build/frontend`,
    emptyOutDir: true,
    target: "es2022",
    // A data: URL would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
