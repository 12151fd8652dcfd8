import { defineConfig } from "@playwright/test";
import { launchOptions } from "./test/kit/chromium";

export default defineConfig({
  testDir: "test",
  testMatch: "**/*.spec.ts",
  outputDir: "test-results",
  // Each test has users and rooms of its own, but two cores are few for more than one browser.
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: { launchOptions, locale: "en-US", timezoneId: "Asia/Seoul", trace: "retain-on-failure" },
});
