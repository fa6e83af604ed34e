import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// `toque dev` prints its address; TOQUE_URL points the proxy of `npm run dev` at another.
const server = process.env["TOQUE_URL"] ?? "http://127.0.0.1:8787";

/** Packs once, at the build, what the server would have to pack for each browser. Fonts are packed already. */
function packed(folder: string) {
  return {
    name: "packed",
    closeBundle() {
      for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (/\.(js|css|svg|html)$/.test(file)) writeFileSync(`${folder}/${file}.gz`, gzipSync(readFileSync(`${folder}/${file}`), { level: 9 }));
      }
    },
  };
}

const web = here("../src/toque/web");

export default defineConfig({
  plugins: [react(), { ...packed(web), apply: "build" }],
  resolve: { alias: { "@": here("./src") } },
  build: {
    outDir: web,
    // `/assets` is a page.
    assetsDir: "static",
    emptyOutDir: true,
    // Everything stays a file of its own: the server's CSP allows neither inline scripts nor data: fonts.
    assetsInlineLimit: 0,
    target: "es2022",
    rolldownOptions: {
      checks: { pluginTimings: false },
      // What nearly every page needs is one file: without it a page asks for 6.5 files on average (an asset's for 17) instead
      // of 2.7 (10), and the first one for 8 instead of 3.
      output: { codeSplitting: { groups: [{ name: "shared", test: /\/src\/(api|app|design)\/|\/node_modules\/(react|react-dom|scheduler|use-sync-external-store|@tanstack)\// }] } },
    },
    chunkSizeWarningLimit: 1_000,
  },
  server: {
    host: "127.0.0.1",
    port: 5181,
    proxy: Object.fromEntries(["/api", "/healthz", "/readyz"].map((path) => [path, { target: server, changeOrigin: true }])),
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    // A test that needs a page says so in its first line: it costs each file half a second.
    environment: "node",
    pool: "threads",
  },
});
