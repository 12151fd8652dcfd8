// The system's Chromium: none is downloaded.
import { existsSync } from "node:fs";

const PLACES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"].map((name) => `/usr/bin/${name}`);

export const launchOptions = {
  executablePath: process.env["MADANG_CHROMIUM"] ?? PLACES.find((place) => existsSync(place)) ?? "chromium",
  // Root, as in CI, has no sandbox.
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
};
