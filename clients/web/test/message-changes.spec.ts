// Edits, deletions and reactions: one does them, the other sees them.
import type { Page } from "@playwright/test";
import { room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test, write } from "./kit/test";

const message = (page: Page, text: string) => page.getByRole("article").filter({ hasText: text });
const editor = (page: Page) => page.getByRole("textbox", { name: "Text of the message" });

/** Opens what can be done with a message, and chooses. */
const choose = async (page: Page, text: string, item: string) => {
  await message(page, text).hover();
  await message(page, text).getByRole("button", { name: /^Actions for/ }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
};

const reaction = (page: Page, text: string, name: string) => message(page, text).getByRole("list", { name: "Reactions" }).getByRole("button", { name });

test("one reacts, edits and deletes; the other sees each of it, and so does a fresh load", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(joon, "Garden", [mina]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await openRoom(other, "Garden");
  await write(page, "The gate opens at nine");
  await expect(messages(other)).toHaveText(["The gate opens at nine"]);

  await message(page, "The gate").hover();
  await message(page, "The gate").getByRole("button", { name: "React" }).click();
  await page.getByRole("dialog", { name: "React" }).getByRole("button", { name: "🎉" }).click();
  await expect(reaction(page, "The gate", "🎉: 1 person")).toHaveAttribute("aria-pressed", "true");
  await expect(reaction(other, "The gate", "🎉: 1 person")).toHaveAttribute("aria-pressed", "false");
  await reaction(other, "The gate", "🎉: 1 person").click();
  await expect(reaction(other, "The gate", "🎉: 2 people")).toHaveAttribute("aria-pressed", "true");
  await expect(reaction(page, "The gate", "🎉: 2 people")).toHaveAttribute("aria-pressed", "true");

  await choose(page, "The gate", "Edit");
  await expect(editor(page)).toBeFocused();
  await expect(editor(page)).toHaveValue("The gate opens at nine");
  await editor(page).fill("The gate opens at ten");
  await editor(page).press("Enter");
  await expect(editor(page)).toHaveCount(0);
  await expect(messages(other)).toHaveText(["The gate opens at ten"]);
  await expect(message(other, "The gate").locator(".message-edited")).toHaveText(/^edited \d/);
  await expect(message(other, "The gate").locator(".message-edited time")).toHaveAttribute("title", /\d{4}/);
  await expect(reaction(other, "The gate", "🎉: 2 people")).toBeVisible();

  await reaction(other, "The gate", "🎉: 2 people").click();
  await expect(reaction(page, "The gate", "🎉: 1 person")).toBeVisible();
  await other.reload();
  await expect(messages(other)).toHaveText(["The gate opens at ten"]);
  await expect(reaction(other, "The gate", "🎉: 1 person")).toHaveAttribute("aria-pressed", "false");
  await expect(message(other, "The gate").locator(".message-edited")).toBeVisible();

  await choose(page, "The gate", "Delete");
  const asking = page.getByRole("alertdialog", { name: "Delete this message?" });
  await asking.getByRole("button", { name: "Cancel" }).click();
  await expect(asking).toBeHidden();
  await expect(page.getByRole("article")).toBeFocused();
  await expect(messages(page)).toHaveCount(1);
  await choose(page, "The gate", "Delete");
  await asking.getByRole("button", { name: "Delete" }).click();
  for (const each of [page, other]) {
    await expect(each.getByRole("article")).toHaveText(/This message was deleted\.$/);
    await expect(each.getByRole("main").getByText("The gate")).toHaveCount(0);
    await expect(each.getByRole("list", { name: "Reactions" })).toHaveCount(0);
  }
  await expect(page.getByRole("article")).toBeFocused();
});

test("with any other emoji, once it is one; what is no emoji is not sent", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  await say(mina, garden, "Lunch?");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await message(page, "Lunch").hover();
  await message(page, "Lunch").getByRole("button", { name: "React" }).click();
  const picker = page.getByRole("dialog", { name: "React" });
  await picker.getByRole("textbox", { name: "Another emoji" }).fill("yes");
  await picker.getByRole("button", { name: "Add" }).click();
  await expect(picker.getByRole("alert")).toHaveText("This is not one emoji.");
  await picker.getByRole("textbox", { name: "Another emoji" }).fill("🍚");
  await picker.getByRole("textbox", { name: "Another emoji" }).press("Enter");
  await expect(reaction(page, "Lunch", "🍚: 1 person")).toHaveAttribute("aria-pressed", "true");
  await reaction(page, "Lunch", "🍚: 1 person").click();
  await expect(page.getByRole("list", { name: "Reactions" })).toHaveCount(0);
});

test("twenty different emoji are all that a message has", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  const { id } = await say(mina, garden, "Fruit");
  for (const emoji of [..."🍇🍈🍉🍊🍋🍌🍍🥭🍎🍏🍐🍑🍒🍓🥝🍅🥥🥑🍆🥔"]) {
    await mina.call("PUT", `/rooms/${garden.id}/messages/${id}/reactions/${encodeURIComponent(emoji)}`);
  }
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await expect(message(page, "Fruit").getByRole("list", { name: "Reactions" }).getByRole("button")).toHaveCount(20);
  await message(page, "Fruit").hover();
  await message(page, "Fruit").getByRole("button", { name: "React" }).click();
  const picker = page.getByRole("dialog", { name: "React" });
  await expect(picker).toContainText("as many different emoji as it can have");
  await expect(picker.getByRole("button", { name: "👍" })).toBeDisabled();
});

test("without a mouse: the last own message is edited, reacted to and deleted", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  await say(mina, garden, "one of mine");
  await say(joon, garden, "one of Joon");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await expect(messages(page)).toHaveCount(2);
  const { keyboard } = page;
  await expect(composer(page)).toBeFocused();
  await keyboard.press("ArrowUp");
  await expect(editor(page)).toBeFocused();
  await keyboard.type(" too");
  await keyboard.press("Escape");
  await expect(composer(page)).toBeFocused();
  await expect(messages(page).first()).toHaveText("one of mine");
  await keyboard.press("ArrowUp");
  // The arrows move in the text, and not between messages.
  await keyboard.press("ArrowUp");
  await keyboard.press("End");
  await keyboard.type(", edited");
  await keyboard.press("Enter");
  await expect(messages(page).first()).toHaveText("one of mine, edited");
  await expect(composer(page)).toBeFocused();

  await keyboard.press("PageUp");
  await expect(page.getByRole("article").last()).toBeFocused();
  await keyboard.press("ArrowUp");
  await expect(page.getByRole("article").first()).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Reply", exact: true })).toBeFocused();
  await keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem", { name: "React" })).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "React" }).getByRole("button", { name: "👍" })).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "React" })).toBeHidden();
  const own = reaction(page, "one of mine", "👍: 1 person");
  await expect(own).toHaveAttribute("aria-pressed", "true");
  await expect(message(page, "one of mine").getByRole("button", { name: "React", exact: true })).toBeFocused();
  await keyboard.press("Shift+Tab");
  await expect(own).toBeFocused();

  await keyboard.press("Shift+Tab");
  await expect(message(page, "one of mine")).toBeFocused();
  await keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Edit" }).focus();
  await keyboard.press("Enter");
  await expect(editor(page)).toBeFocused();
  await keyboard.press("Escape");
  await expect(message(page, "one of mine")).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Reply", exact: true })).toBeFocused();
  await keyboard.press("ArrowUp");
  await expect(page.getByRole("menuitem", { name: "Delete" })).toBeFocused();
  await keyboard.press("Enter");
  await expect(page.getByRole("alertdialog")).toBeVisible();
  await expect(page.getByRole("alertdialog").getByRole("button", { name: "Cancel" })).toBeFocused();
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await expect(page.getByRole("article").first()).toContainText("This message was deleted.");
  await expect(page.getByRole("article").first()).toBeFocused();
  await keyboard.press("ArrowDown");
  await expect(page.getByRole("article").last()).toBeFocused();
});

test("Enter while a syllable is composed does not save", async ({ somebody, signedIn }) => {
  const mina = await somebody("미나");
  const garden = await room(mina, "마당");
  await say(mina, garden, "안녕");
  const page = await signedIn(mina, { locale: "ko-KR" });
  await openRoom(page, "마당");
  await expect(messages(page)).toHaveText(["안녕"]);
  await page.getByRole("textbox", { name: "마당에 메시지 쓰기" }).press("ArrowUp");
  const field = page.getByRole("textbox", { name: "메시지 텍스트" });
  await expect(field).toBeFocused();
  const input = await page.context().newCDPSession(page);
  for (const text of ["ㅎ", "하", "하세"]) {
    await input.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  }
  const pressEnter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 };
  await input.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...pressEnter });
  await input.send("Input.dispatchKeyEvent", { type: "keyUp", ...pressEnter });
  await input.send("Input.insertText", { text: "하세요" });
  await expect(field).toHaveValue("안녕하세요");
  await expect(field).toBeFocused();
  await field.press("Enter");
  await expect(messages(page)).toHaveText(["안녕하세요"]);
  await expect(page.locator(".message-edited")).toContainText("수정됨");
});

test("a mention is completed in an edit too, and Esc sends only the list away", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(mina, "Garden", [joon]);
  await say(mina, garden, "Look");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await expect(messages(page)).toHaveText(["Look"]);
  await composer(page).press("ArrowUp");
  await editor(page).pressSequentially(", @joo");
  const list = page.getByRole("listbox", { name: "People to mention" });
  await expect(list.getByRole("option", { selected: true })).toContainText(`@${joon.username}`);
  await editor(page).press("Escape");
  await expect(list).toBeHidden();
  await expect(editor(page)).toHaveValue("Look, @joo");
  await editor(page).fill("Look, ");
  await editor(page).pressSequentially("@joo");
  await editor(page).press("Enter");
  await expect(editor(page)).toHaveValue(`Look, @${joon.username} `);
  await editor(page).press("Enter");
  await expect(page.locator(".mention")).toHaveText(`@${joon.username}`);
});

test("moderators delete the messages of others; nobody else does, and not in a direct room", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(mina, "Garden", [joon]);
  await say(mina, garden, "of the owner");
  await say(joon, garden, "of a member");
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(other, "Garden");
  await message(other, "of the owner").hover();
  await message(other, "of the owner").getByRole("button", { name: /^Actions for/ }).click();
  await expect(other.getByRole("menuitem")).toHaveText(["Reply", "React", "Reply in a thread", "Copy text", "Report"]);
  await other.keyboard.press("Escape");
  await openRoom(page, "Garden");
  await message(page, "of a member").hover();
  await message(page, "of a member").getByRole("button", { name: /^Actions for/ }).click();
  await expect(page.getByRole("menuitem")).toHaveText(["Reply", "React", "Reply in a thread", "Copy text", "Pin", "Report", "Delete"]);
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(messages(other)).toHaveText(["of the owner"]);
  await expect(other.getByText("This message was deleted.", { exact: true }).first()).toBeVisible();

  const direct = await joon.call<{ id: string }>("POST", "/rooms", { name: "Mina, Joon", kind: "direct", members: [mina.id] });
  await joon.call("POST", `/rooms/${direct.id}/messages`, { text: "between us" });
  await page.getByRole("navigation").getByRole("link", { name: /^(?!.*Garden).*Joon/ }).click();
  await message(page, "between us").hover();
  await message(page, "between us").getByRole("button", { name: /^Actions for/ }).click();
  await expect(page.getByRole("menuitem", { name: "Reply", exact: true })).toBeVisible();
  await expect(page.getByRole("menuitem", { name: "Delete" })).toHaveCount(0);
});

test("a refusal is said in words, and the new text stays", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  await say(mina, garden, "too old");
  const page = await signedIn(mina);
  // The server of the tests lets everybody edit at any time: this one refuses.
  let code = "failed_precondition";
  await page.routeWebSocket(/./, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text)) as { type: string; id: string };
      if (frame.type === "edit") socket.send(JSON.stringify({ type: "error", re: frame.id, code, message: "refused" }));
      else server.send(text);
    });
  });
  await page.reload();
  await openRoom(page, "Garden");
  await expect(messages(page)).toHaveText(["too old"]);
  await choose(page, "too old", "Edit");
  await editor(page).fill("new");
  await editor(page).press("Enter");
  await expect(page.getByText("The time in which this message can be edited is over.").first()).toBeVisible();
  await expect(editor(page)).toHaveValue("new");
  code = "permission_denied";
  await editor(page).press("Enter");
  await expect(page.getByText("You may not do this.").first()).toBeVisible();
});

test("a reply shows the beginning of an original that is not loaded, as it is now", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  const { id } = await say(mina, garden, "Who has the key?");
  for (let count = 1; count <= 130; count += 1) await say(mina, garden, `number ${count}`);
  await say(mina, garden, "I have it", { reply_to: id });
  const page = await signedIn(mina);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  // What the page has is what it has asked for. It knows what was read before its messages come, so that it places the
  // list with the first of them.
  const pages: string[] = [];
  const read = page.waitForResponse((response) => response.url().endsWith(`/rooms/${garden.id}`));
  await page.routeWebSocket(/./, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      if ((JSON.parse(String(text)) as { type: string }).type === "history") pages.push(String(text));
      server.send(text);
    });
    let last: Promise<unknown> = Promise.resolve();
    server.onMessage((text) => {
      if (pages.length > 0) last = Promise.all([last, read]);
      void last.then(() => socket.send(text));
    });
  });
  await page.reload();
  await openRoom(page, "Garden");
  const quote = message(page, "I have it").locator(".quote");
  await expect(quote).toContainText("Who has the key?");
  await mina.call("PATCH", `/rooms/${garden.id}/messages/${id}`, { text: "Who has both keys?" });
  await expect(quote).toContainText("Who has both keys?");
  await mina.call("DELETE", `/rooms/${garden.id}/messages/${id}`);
  await expect(quote).toHaveText("The original is not here.");
  expect(asked.filter((url) => /\/messages\?/.test(url))).toEqual([]);
  // Who opens a room at its end has not come near to what is above: the last page is all that was loaded.
  expect(pages).toHaveLength(1);

  // Once the page has it, the reply says what it is.
  await page.getByRole("log").hover();
  await expect(async () => {
    await page.mouse.wheel(0, -2_000);
    await expect(page.getByText("This is where Garden begins.")).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(page.getByRole("article").first()).toHaveText(/This message was deleted\.$/);
  await page.getByRole("log").press("End");
  await expect(quote).toContainText("This message was deleted.");
});

test("a reply beside its original says that it was deleted", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  const { id } = await say(mina, garden, "Who has the key?");
  await say(mina, garden, "I have it", { reply_to: id });
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  const quote = message(page, "I have it").locator(".quote");
  await expect(quote).toContainText("Who has the key?");
  await mina.call("DELETE", `/rooms/${garden.id}/messages/${id}`);
  await expect(quote).toContainText("This message was deleted.");
});

test("a pin shows the text as it is now, and goes with its message", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  const { id } = await say(mina, garden, "Open at nine");
  await mina.call("PUT", `/rooms/${garden.id}/pins/${id}`);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await page.getByRole("button", { name: "Pins: 1" }).click();
  await expect(page.locator(".pin-text")).toHaveText("Open at nine");
  await mina.call("PATCH", `/rooms/${garden.id}/messages/${id}`, { text: "Open at ten" });
  await expect(page.locator(".pin-text")).toHaveText("Open at ten");
  await mina.call("DELETE", `/rooms/${garden.id}/messages/${id}`);
  await expect(page.locator(".pin-text")).toHaveCount(0);
});
