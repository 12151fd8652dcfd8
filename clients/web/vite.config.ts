import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The server that `npm run dev` talks to. */
const server = process.env["MADANG_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  // Below whatever path it is served.
  base: "./",
  plugins: [react()],
  // The hooks must have the React of the application.
  resolve: { dedupe: ["react", "react-dom"] },
  build: {
    target: "es2022",
    // No `data:` addresses: the policy of the page allows none for scripts and fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // scripts/clean.mjs empties it: the directory itself is in the repository, where the server's build looks for it.
    emptyOutDir: false,
  },
  server: {
    proxy: {
      // The server refuses the socket of a page that another origin has given: to it, the page is its own.
      "/v1": { target: server, ws: true, changeOrigin: true, rewriteWsOrigin: true },
      "/.well-known": { target: server, changeOrigin: true },
    },
  },
});
