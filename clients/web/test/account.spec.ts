// The own account: its password, its export and its end; and reports of messages.
import { readFile } from "node:fs/promises";
import { room, say } from "./kit/people";
import { expect, messages, openRoom, test } from "./kit/test";
import type { Page } from "@playwright/test";

const openAccount = async (page: Page) => {
  await page.locator(".me").click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Account" }).click();
};

test("a password is changed, and ends the other sessions", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const [page, other] = [await signedIn(mina), await signedIn(mina)];
  await openAccount(page);
  await page.getByLabel("Present password").fill("no such password");
  await page.getByLabel("New password").fill("a gate at midnight");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByLabel("Present password")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Present password").fill(mina.password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Your password is changed")).toBeVisible();
  await expect(other.getByRole("button", { name: "Sign in" })).toBeVisible();
  await expect(page.getByRole("dialog", { name: "Settings" })).toBeVisible();
});

test("an export is downloaded", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  await say(mina, await room(mina, "Garden"), "The gate is open at nine.");
  const page = await signedIn(mina);
  await openAccount(page);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download my data" }).click();
  const lines = (await readFile(await (await coming).path(), "utf8")).trimEnd().split("\n");
  const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect(kinds).toEqual(["profile", "room", "message", "end"]);
  expect(lines[2]).toContain("The gate is open at nine.");
});

test("an account is deleted, and others see a deleted user", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  await say(mina, garden, "The gate is open at nine.");
  await say(joon, garden, "Thank you.");
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(other, "Garden");
  await expect(messages(other)).toHaveText(["The gate is open at nine.", "Thank you."]);
  await openAccount(page);
  const end = page.getByRole("button", { name: "Delete account" });
  await expect(end).toBeDisabled();
  await page.getByLabel(`Type your username, ${mina.username}`).fill(mina.username);
  await end.click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete account" }).click();
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await expect(other.getByText("The gate is open at nine.")).toHaveCount(0);
  await expect(messages(other).filter({ hasText: "Thank you." })).toBeVisible();
  await expect(other.getByRole("article").first()).toContainText("deleted user");
});

test("a message is reported to the moderators", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(mina, "Garden", [joon]);
  const sent = await say(mina, garden, "Buy now!");
  const page = await signedIn(joon);
  await openRoom(page, "Garden");
  await page.getByRole("article").hover();
  await page.getByRole("button", { name: "Actions for the message of Mina" }).click();
  await page.getByRole("menuitem", { name: "Report" }).click();
  await page.getByLabel("Reason").fill("An advertisement");
  await page.getByRole("dialog").getByRole("button", { name: "Report" }).click();
  await expect(page.getByText("The message is reported")).toBeVisible();
  const reports = await mina.call<{ items: { message: string; reason: string; reporter: { id: string } }[] }>(
    "GET",
    "/reports",
  );
  const [report] = reports.items;
  expect([reports.items.length, report?.message, report?.reason, report?.reporter.id]).toEqual([
    1,
    sent.id,
    "An advertisement",
    joon.id,
  ]);
});
