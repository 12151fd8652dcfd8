import { defineConfig } from "@playwright/test";
import config from "../playwright.config";

export default defineConfig({
  ...config,
  testDir: ".",
  testMatch: "long-room.ts",
  outputDir: "../test-results",
  // Playwright's own trace films the page: the film would cost more than the page.
  use: { ...config.use, trace: "off" },
});
