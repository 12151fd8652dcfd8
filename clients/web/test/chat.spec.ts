// Two people talk.
import { PASSWORD, room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test, write } from "./kit/test";

test("two people sign up, meet in a public room and talk", async ({ nobody }) => {
  const [mina, joon] = [await nobody(), await nobody()];
  const suffix = Date.now().toString(36);
  for (const [page, username, name] of [
    [mina, `mina${suffix}`, "Mina"],
    [joon, `joon${suffix}`, "Joon"],
  ] as const) {
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByLabel("Username").fill(username);
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page.getByText(`Welcome, ${name}`)).toBeVisible();
  }
  const name = `Courtyard ${suffix}`;
  await mina.getByRole("navigation").getByRole("button", { name: "New room" }).last().click();
  await mina.getByLabel("Name of the room").fill(name);
  await mina.getByRole("button", { name: "Create", exact: true }).click();
  await expect(mina.getByRole("heading", { name })).toBeVisible();
  await write(mina, "안녕하세요");

  await joon.getByRole("navigation").getByRole("button", { name: "Public rooms" }).click();
  await joon.getByRole("button", { name: `Join: ${name}` }).click();
  await expect(messages(joon)).toHaveText(["안녕하세요"]);
  await composer(joon).pressSequentially("Hello M");
  await expect(mina.getByText("Joon is typing")).toBeVisible();
  await write(joon, "Hello Mina");
  await expect(messages(mina)).toHaveText(["안녕하세요", "Hello Mina"]);
  await expect(mina.getByText("Joon is typing")).toBeHidden();
  await write(mina, "반갑습니다");
  await expect(messages(joon)).toHaveText(["안녕하세요", "Hello Mina", "반갑습니다"]);
  await expect(joon.getByText("2 here now")).toBeVisible();
});

test("a reload shows the same, and sends nothing twice", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const courtyard = await room(mina, "Courtyard");
  const page = await signedIn(mina);
  await openRoom(page, "Courtyard");
  await write(page, "one");
  await write(page, "two");
  await expect(page.locator(".message-state[data-state=sent]")).toHaveCount(1);
  await page.reload();
  await expect(messages(page)).toHaveText(["one", "two"]);
  await expect(page).toHaveURL(new RegExp(courtyard.id));
  await write(page, "three");
  await expect(messages(page)).toHaveText(["one", "two", "three"]);
});

test("the list of rooms moves by itself: the last message, what is unread, the latest first", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const [garden, library] = [await room(joon, "Garden", [mina]), await room(joon, "Library", [mina])];
  const page = await signedIn(mina);
  await openRoom(page, "Library");
  await say(joon, garden, "Is anybody there?");
  const row = page.getByRole("navigation").getByRole("listitem").first();
  await expect(row).toContainText("Garden");
  await expect(row).toContainText("Joon: Is anybody there?");
  await expect(row.getByText("1 unread")).toBeAttached();
  await expect(page).toHaveTitle("(1) Madang");
  await say(joon, library, "Here is no unread");
  await expect(page.getByRole("navigation").getByRole("listitem").first()).toContainText("Library");
  await openRoom(page, "Garden");
  await expect(page.getByText("1 unread")).toHaveCount(0);
  await expect(page).toHaveTitle("Madang");
});

test("what is new stands under a line, and stays there while it is read", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  const { seq } = await say(joon, garden, "old");
  await mina.call("PUT", `/rooms/${garden.id}/read`, { seq });
  for (const text of ["new one", "new two"]) await say(joon, garden, text);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  const texts = page.locator(".new-line, .message-text");
  await expect(texts).toHaveText(["old", "New messages", "new one", "new two"]);
  await say(joon, garden, "new three");
  await expect(texts).toHaveText(["old", "New messages", "new one", "new two", "new three"]);
  await write(page, "thank you");
  await expect(texts).toHaveText(["old", "new one", "new two", "new three", "thank you"]);
});

test("a long room is paged upward and back, and a pin far up is found", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  const first = await say(mina, garden, "number 1");
  await mina.call("PUT", `/rooms/${garden.id}/pins/${first.id}`);
  for (let count = 2; count <= 130; count += 1) await say(mina, garden, `number ${count}`);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await expect(messages(page).last()).toHaveText("number 130");
  // No more than what is in sight, and a little around it, is in the page.
  expect(await messages(page).count()).toBeLessThan(60);
  await page.getByRole("log").hover();
  await expect(async () => {
    await page.mouse.wheel(0, -2_000);
    await expect(page.getByText("number 1", { exact: true })).toBeVisible({ timeout: 300 });
  }).toPass({ timeout: 20_000 });
  await expect(page.getByText("This is where Garden begins.")).toBeVisible();
  await page.getByRole("button", { name: "To the latest message" }).click();
  await expect(page.getByText("number 130", { exact: true })).toBeInViewport();

  await page.reload();
  await expect(page.getByText("number 130", { exact: true })).toBeInViewport();
  await page.getByRole("button", { name: /^Pins/ }).click();
  await page.getByRole("button", { name: "Go to message" }).click();
  await expect(messages(page).filter({ hasText: /^number 1$/ })).toBeInViewport();
});

test("older messages come without moving what is read", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  for (let count = 1; count <= 120; count += 1) await say(mina, garden, `number ${count}`);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await expect(page.getByText("number 120", { exact: true })).toBeInViewport();
  const log = page.getByRole("log");
  await log.hover();
  // Up to where the next page is asked for: 600 pixels under the beginning of what is loaded.
  await log.evaluate((box) => box.scrollTo(0, 500));
  const anchor = await log.evaluate((box) => {
    const top = box.getBoundingClientRect().top;
    const found = [...box.querySelectorAll(".message")].find((one) => one.getBoundingClientRect().top > top + 50);
    return { text: found?.querySelector(".message-text")?.textContent ?? "", y: found?.getBoundingClientRect().top ?? 0 };
  });
  await expect.poll(() => log.evaluate((box) => box.scrollTop)).toBeGreaterThan(1_000);
  const now = await page.getByText(anchor.text, { exact: true }).evaluate((one) => one.closest(".message")?.getBoundingClientRect().top ?? 0);
  expect(Math.abs(now - anchor.y)).toBeLessThan(40);
});

test("the rows of a room ask the browser for nothing each by itself", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const garden = await room(mina, "Garden");
  for (let count = 1; count <= 40; count += 1) await say(mina, garden, `number ${count}`);
  const page = await signedIn(mina);
  // What is dear where hundreds of rows pass in a second: the languages, and a timer for what comes when a row stays.
  await page.addInitScript(() => {
    const asked = { languages: 0, timers: 0 };
    const { languages } = navigator;
    Object.defineProperty(navigator, "languages", { get: () => ((asked.languages += 1), languages) });
    const native = window.setTimeout;
    const counted = (...[handler, delay, ...rest]: Parameters<typeof setTimeout>) => {
      if (delay === 400) asked.timers += 1;
      return native(handler, delay, ...rest);
    };
    Object.assign(window, { asked, setTimeout: counted });
  });
  await page.reload();
  await openRoom(page, "Garden");
  await expect(page.getByRole("article").last()).toContainText("number 40");
  const shown = await page.getByRole("article").count();
  // They have their buttons in the end.
  await expect(page.getByRole("article").last().getByRole("button", { name: "React" })).toBeAttached();
  const asked = await page.evaluate(() => (window as unknown as { asked: { languages: number; timers: number } }).asked);
  expect(shown).toBeGreaterThan(10);
  expect(asked.languages).toBeLessThan(3);
  expect(asked.timers).toBeLessThan(shown / 2);
});
