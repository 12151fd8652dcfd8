// Files: attached, pasted and dropped; shown, opened and saved; gone with their message.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { room, say } from "./kit/people";
import { composer, expect, openRoom, rows, test } from "./kit/test";

/** A picture that is there anyway. */
const PICTURE = fileURLToPath(new URL("../../../docs/images/web-phone.png", import.meta.url));
const picture = async () => ({ name: "마당.png", mimeType: "image/png", buffer: await readFile(PICTURE) });

test("a picture is attached, shown to both, opened, and gone with its message", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(mina, "Garden", [joon]);
  await say(joon, garden, "hello");
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  for (const each of [page, other]) await openRoom(each, "Garden");
  await page.locator('input[type="file"]').setInputFiles(await picture());
  await expect(page.getByRole("list", { name: "Files to send" }).getByRole("listitem")).toContainText("마당.png");
  await expect(page.getByRole("progressbar")).toHaveCount(0);
  await composer(page).fill("look at this");
  await composer(page).press("Enter");
  await expect(page.getByRole("list", { name: "Files to send" })).toHaveCount(0);
  for (const each of [page, other]) {
    const row = rows(each).filter({ hasText: "look at this" });
    const shown = row.getByRole("button", { name: "Open the picture 마당.png" }).getByRole("img");
    await expect(shown).toBeVisible();
    await expect.poll(() => shown.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(50);
  }
  await rows(other).filter({ hasText: "look at this" }).getByRole("button", { name: "Open the picture 마당.png" }).click();
  const dialog = other.getByRole("dialog", { name: "마당.png" });
  await expect(dialog.getByRole("img")).toBeVisible();
  const [saved] = await Promise.all([
    other.waitForEvent("download"),
    dialog.getByRole("button", { name: "Save 마당.png" }).click(),
  ]);
  expect(saved.suggestedFilename()).toBe("마당.png");
  await dialog.press("Escape");

  const row = rows(page).filter({ hasText: "look at this" });
  await row.hover();
  await row.getByRole("button", { name: /Actions/ }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(rows(other).getByRole("img", { name: "마당.png" })).toHaveCount(0);
});

test("files are pasted and dropped, and sent without words", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  await room(mina, "Garden");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await composer(page).evaluate((field) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(["회의록"], "minutes.txt", { type: "text/plain" }));
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  });
  const list = page.getByRole("list", { name: "Files to send" });
  await expect(list.getByRole("listitem")).toHaveCount(1);
  const main = page.getByRole("main");
  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(["more"], "more.txt", { type: "text/plain" }));
    data.items.add(new File(["<svg/>"], "drawing.png", { type: "image/png" }));
    return data;
  });
  await main.dispatchEvent("dragover", { dataTransfer: dropped });
  await expect(page.getByText("Drop files here to send them to Garden")).toBeVisible();
  await main.dispatchEvent("drop", { dataTransfer: dropped });
  await expect(page.getByText("Drop files here")).toHaveCount(0);
  await expect(list.getByRole("listitem")).toHaveCount(3);
  await list.getByRole("button", { name: "Remove more.txt" }).click();
  await expect(page.getByRole("progressbar")).toHaveCount(0);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const row = rows(page).filter({ hasText: "minutes.txt" });
  await expect(row.getByRole("button", { name: "Save minutes.txt" })).toBeVisible();
  // What is no picture is none, whatever its name says.
  await expect(row.getByRole("button", { name: "Save drawing.png" })).toBeVisible();
});

test("a file that is refused says why, and does not keep the rest from going", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  await room(mina, "Garden");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await page.locator('input[type="file"]').setInputFiles([
    { name: "large.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(26 * 1024 * 1024) },
    { name: "small.txt", mimeType: "text/plain", buffer: Buffer.from("x") },
  ]);
  const list = page.getByRole("list", { name: "Files to send" });
  await expect(list.getByRole("alert")).toContainText(/too large|cannot be reached/);
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
  await list.getByRole("button", { name: "Remove large.bin" }).click();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(rows(page).getByRole("button", { name: "Save small.txt" })).toBeVisible();
});
