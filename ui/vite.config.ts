import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// `toque dev` prints its address; TOQUE_URL points the proxy of `npm run dev` at another.
const server = process.env["TOQUE_URL"] ?? "http://127.0.0.1:8181";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": here("./src") } },
  build: {
    outDir: here("../src/toque/web"),
    emptyOutDir: true,
    // Everything stays a file of its own: the server's CSP allows neither inline scripts nor data: fonts.
    assetsInlineLimit: 0,
    target: "es2022",
    chunkSizeWarningLimit: 350,
  },
  server: {
    host: "127.0.0.1",
    port: 5181,
    proxy: Object.fromEntries(["/api", "/healthz", "/readyz"].map((path) => [path, { target: server, changeOrigin: true }])),
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "happy-dom",
  },
});
