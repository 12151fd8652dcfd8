import AxeBuilder from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";

/** Fails where axe finds anything on a screen. */
export async function isClean(page: Page, screen: string): Promise<void> {
  // A dialog that is still fading in has colours of its own.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => {}))));
  // Menus stand at the end of the page, outside of its landmarks, as is usual: they are reached from their buttons.
  const { violations } = await new AxeBuilder({ page }).disableRules(["region"]).analyze();
  const found = violations.map(({ id, impact, nodes }) => `${screen}: ${impact} ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  expect(found).toEqual([]);
}
