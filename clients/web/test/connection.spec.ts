// The network goes, and comes back.
import { room, say } from "./kit/people";
import { expect, messages, openRoom, test, write } from "./kit/test";

test("offline one writes on; back online everything has arrived once and in order", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await openRoom(other, "Garden");
  await write(page, "before");
  await expect(messages(other)).toHaveText(["before"]);

  await page.context().setOffline(true);
  await expect(page.getByText("You are offline.", { exact: false })).toBeVisible();
  await write(page, "written offline");
  await expect(page.getByText("Waiting for the connection")).toBeAttached();
  await say(joon, garden, "said meanwhile");
  await expect(messages(other)).toHaveText(["before", "said meanwhile"]);

  await page.context().setOffline(false);
  await expect(messages(other)).toHaveText(["before", "said meanwhile", "written offline"]);
  await expect(messages(page)).toHaveText(["before", "said meanwhile", "written offline"]);
  await expect(page.getByText("You are offline.", { exact: false })).toBeHidden();
  await expect(page.locator(".message-state[data-state=sent]")).toHaveCount(1);
});

/** In the page: how many messages its storage holds. */
function countOfUnsent(): Promise<number> {
  return new Promise((resolve) => {
    const opening = indexedDB.open("madang");
    opening.onsuccess = () => {
      const counting = opening.result.transaction("outbox").objectStore("outbox").count();
      counting.onsuccess = () => {
        opening.result.close();
        resolve(counting.result);
      };
    };
  });
}

test("a message that was written offline is sent after a reload", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(joon, "Garden", [mina]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await openRoom(other, "Garden");
  await page.context().setOffline(true);
  await expect(page.getByText("You are offline.", { exact: false })).toBeVisible();
  await write(page, "kept");
  await expect(page.locator(".message-state[data-state=sending]")).toHaveCount(1);
  // It is kept from the moment on at which it is written.
  await expect.poll(() => page.evaluate(countOfUnsent)).toBe(1);
  await page.goto("about:blank");
  await page.context().setOffline(false);
  await page.goBack();
  await expect(messages(other)).toHaveText(["kept"]);
  await expect(messages(page)).toHaveText(["kept"]);
});

test("two tabs show each message once, whichever sends it, and one goes on when the other is closed", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  const first = await signedIn(mina);
  await openRoom(first, "Garden");
  const second = await first.context().newPage();
  await second.goto(first.url());
  await expect(second.getByRole("log")).toHaveAttribute("data-ready", "true");
  await write(second, "from the second");
  await write(first, "from the first");
  for (const page of [first, second]) await expect(messages(page)).toHaveText(["from the second", "from the first"]);
  await first.close();
  await say(joon, garden, "to whoever is left");
  await expect(messages(second)).toHaveText(["from the second", "from the first", "to whoever is left"]);
  await write(second, "me");
  await expect(messages(second).last()).toHaveText("me");
  await expect(second.locator(".message-state[data-state=sent]")).toHaveCount(1);
});

test("the server restarts: the page says so, and goes on by itself", async ({ server, somebody, signedIn }) => {
  test.skip(process.env["MADANG_URL"] !== undefined, "it is not this test's server");
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await say(joon, garden, "before");
  await expect(messages(page)).toHaveText(["before"]);
  await server.restart();
  await say(joon, garden, "after");
  await expect(messages(page)).toHaveText(["before", "after"], { timeout: 30_000 });
  await write(page, "I am back");
  await expect(messages(page)).toHaveText(["before", "after", "I am back"], { timeout: 30_000 });
});

test("a message that is refused says why, and can be sent again or discarded", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const direct = await joon.call<{ id: string }>("POST", "/rooms", { name: "Mina, Joon", kind: "direct", members: [mina.id] });
  // They share no room: the other one accepts.
  await mina.call("POST", `/rooms/${direct.id}/join`);
  const page = await signedIn(mina);
  await openRoom(page, "Joon");
  await mina.call("PUT", `/users/me/blocked/${joon.id}`);
  await write(page, "refused");
  await expect(page.getByRole("alert")).toContainText("Not sent");
  await mina.call("DELETE", `/users/me/blocked/${joon.id}`);
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(page.getByRole("button", { name: "Send again" })).toBeHidden();
  await expect(messages(page)).toHaveText(["refused"]);
  await expect(page.locator(".message-state[data-state=sent]")).toHaveCount(1);
});

/** In the page: holds the storage of unsent messages, so that nothing is written there, until the page lets it go. */
function holdStorage(): Promise<void> {
  return new Promise((held) => {
    const opening = indexedDB.open("madang");
    opening.onsuccess = () => {
      const store = opening.result.transaction("outbox", "readwrite").objectStore("outbox");
      const state = { isHeld: true };
      Object.assign(window, { heldStorage: state });
      const again = () => {
        if (!state.isHeld) return opening.result.close();
        store.count().onsuccess = again;
      };
      store.count().onsuccess = () => {
        held();
        again();
      };
    };
  });
}

test("a message is shown, sent and read before the storage has it", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(joon, "Garden", [mina]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await openRoom(other, "Garden");
  await page.evaluate(holdStorage);
  await write(page, "at once");
  await expect(messages(page)).toHaveText(["at once"], { timeout: 2_000 });
  await expect(messages(other)).toHaveText(["at once"]);
  await page.evaluate(() => Object.assign((window as unknown as { heldStorage: object }).heldStorage, { isHeld: false }));
  await expect.poll(() => page.evaluate(countOfUnsent)).toBe(0);
  await expect(messages(page)).toHaveText(["at once"]);
});

test("a part that cannot be loaded says so, and comes with the network", async ({ somebody, nobody }) => {
  const mina = await somebody("Mina");
  await room(mina, "Garden");
  const page = await nobody();
  // Held from the beginning: it is loaded before anybody asks for it.
  const held: import("@playwright/test").Route[] = [];
  await page.route(/menu-popup/, (route) => void held.push(route));
  await page.getByLabel("Username").fill(mina.username);
  await page.getByLabel("Password", { exact: true }).fill(mina.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await openRoom(page, "Garden");
  await expect.poll(() => held.length).toBeGreaterThan(0);
  await page.context().setOffline(true);
  for (const route of held.splice(0)) await route.abort();
  await page.unroute(/menu-popup/);
  const menu = page.getByRole("button", { name: "Room", exact: true });
  await menu.click();
  await expect(page.getByText("The server cannot be reached.", { exact: false })).toBeVisible();
  await expect(menu).toHaveAttribute("aria-expanded", "false");
  await page.context().setOffline(false);
  await expect(async () => {
    await menu.click();
    await expect(page.getByRole("menu")).toBeVisible({ timeout: 2_000 });
  }).toPass();
});
