// The fixtures: a server for all tests of a worker, people of one's own, and pages that fail when they complain.
import { type BrowserContext, type BrowserContextOptions, type Page, expect, test as base } from "@playwright/test";
import { type Person, PASSWORD, person } from "./people";
import { type Server, startServer } from "./server";

interface Fixtures {
  /** A page of a person, in a browser context of its own, signed in. */
  signedIn: (who: Person, options?: BrowserContextOptions) => Promise<Page>;
  /** A page of nobody yet. */
  nobody: (options?: BrowserContextOptions) => Promise<Page>;
  somebody: (name: string) => Promise<Person>;
}

export const test = base.extend<Fixtures, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await startServer();
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  nobody: async ({ browser, server }, use) => {
    const contexts: BrowserContext[] = [];
    const complaints: string[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ locale: "en-US", timezoneId: "Asia/Seoul", ...options });
      contexts.push(context);
      const page = await context.newPage();
      page.on("pageerror", (error) => complaints.push(String(error.stack)));
      page.on("console", (message) => {
        // What cannot be reached, or is refused, the browser itself reports.
        if (message.type() === "error" && !/Failed to load resource|WebSocket connection/.test(message.text())) {
          complaints.push(message.text());
        }
      });
      await page.goto(server.url);
      return page;
    });
    for (const context of contexts) await context.close();
    expect(complaints).toEqual([]);
  },

  signedIn: async ({ nobody }, use) => {
    await use(async (who, options) => {
      const page = await nobody(options);
      const isKorean = options?.locale === "ko-KR";
      await page.getByLabel(isKorean ? "사용자 이름" : "Username").fill(who.username);
      await page.getByLabel(isKorean ? "비밀번호" : "Password", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: isKorean ? "로그인" : "Sign in" }).click();
      await expect(page.getByRole("navigation")).toBeVisible();
      return page;
    });
  },

  somebody: async ({ server }, use) => {
    await use((name) => person(server.url, name));
  },
});

export { expect } from "@playwright/test";

/** The field in which one writes. */
export const composer = (page: Page) => page.getByRole("textbox", { name: /^Write to/ });

/** The messages that are in sight, whole. */
export const rows = (page: Page) => page.getByRole("article");

/** The texts of the messages that are in sight. */
export const messages = (page: Page) => page.getByRole("article").locator(".message-text");

export const openRoom = async (page: Page, name: string) => {
  await page.getByRole("navigation").getByRole("link", { name: new RegExp(name) }).click();
  await expect(page.getByRole("log")).toHaveAttribute("data-ready", "true");
};

export const write = async (page: Page, text: string) => {
  await composer(page).fill(text);
  await composer(page).press("Enter");
};
