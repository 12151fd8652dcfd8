// Messages are found by what they say.
import { room, say } from "./kit/people";
import { expect, messages, openRoom, test } from "./kit/test";

test("a message far up is found, marked and gone to", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(mina, "Garden", [joon]);
  const library = await room(joon, "Library", [mina]);
  await say(joon, garden, "👍 오늘 서울에서 만나요");
  await say(joon, library, "서울 지도");
  for (let count = 1; count <= 80; count += 1) await say(mina, garden, `number ${count}`);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await page.getByRole("button", { name: "Search messages" }).click();
  const dialog = page.getByRole("dialog", { name: "Search messages" });
  const field = dialog.getByRole("searchbox", { name: "Search messages" });
  await expect(field).toBeFocused();
  await field.fill("서울");
  await expect(dialog.getByRole("listitem")).toHaveCount(2);
  await expect(dialog.locator("mark")).toHaveText(["서울", "서울"]);
  await expect(dialog.getByRole("listitem").first()).toContainText("Library");

  await dialog.getByRole("checkbox", { name: "In this room only" }).check();
  await expect(dialog.getByRole("listitem")).toHaveCount(1);
  await dialog.getByRole("button", { name: "Go to message" }).click();
  await expect(dialog).toBeHidden();
  await expect(messages(page).filter({ hasText: "오늘 서울에서 만나요" })).toBeInViewport();
});

test("one syllable needs a room, and says so", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  await say(mina, garden, "밥 먹자");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await page.getByRole("button", { name: "Search messages" }).click();
  const dialog = page.getByRole("dialog", { name: "Search messages" });
  await dialog.getByRole("searchbox", { name: "Search messages" }).fill("밥");
  await expect(dialog.getByRole("alert")).toContainText("One syllable is searched in one room");
  await dialog.getByRole("checkbox", { name: "In this room only" }).check();
  await expect(dialog.locator("mark")).toHaveText(["밥"]);
  await dialog.getByRole("searchbox", { name: "Search messages" }).fill("회의록");
  await expect(dialog.getByText("No message says this.")).toBeVisible();
});
