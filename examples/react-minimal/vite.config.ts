import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // The hooks must have the React of the application.
  resolve: { dedupe: ["react", "react-dom"] },
  // The port that the server's MADANG_ALLOWED_ORIGINS names.
  server: { host: "127.0.0.1", port: 5173, strictPort: true },
});
