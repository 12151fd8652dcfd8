import { defineConfig } from "@playwright/test";
import config from "../playwright.config";

export default defineConfig({ ...config, testDir: ".", testMatch: "long-room.ts", outputDir: "../test-results" });
