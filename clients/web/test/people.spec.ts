// Mentions, notices, members, blocking and devices.
import { room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test, write } from "./kit/test";

test("a mention is completed with the keys, marked, and a notice that leads to it", async ({ somebody, signedIn }) => {
  const [mina, joon, sora] = [await somebody("Mina"), await somebody("Joon"), await somebody("이소라")];
  await room(mina, "Garden", [joon, sora]);
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await composer(page).pressSequentially("Look, @");
  const list = page.getByRole("listbox", { name: "People to mention" });
  await expect(list.getByRole("option")).toHaveCount(2);
  await composer(page).pressSequentially("joo");
  await expect(list.getByRole("option", { selected: true })).toContainText(`@${joon.username}`);
  await composer(page).press("Enter");
  await expect(composer(page)).toHaveValue(`Look, @${joon.username} `);
  await composer(page).pressSequentially("here");
  await composer(page).press("Enter");
  await expect(page.locator(".mention")).toHaveText(`@${joon.username}`);

  await other.getByRole("button", { name: "Notices, 1 unread" }).click();
  await expect(other.getByText("Mina mentioned you in Garden")).toBeVisible();
  await other.getByRole("button", { name: "Open" }).click();
  await expect(messages(other)).toHaveText([`Look, @${joon.username} here`]);
  await expect(other.locator(".message-mentions-me")).toHaveCount(1);
  await expect(other.getByRole("button", { name: "Notices", exact: true })).toBeVisible();
});

test("a reply quotes, and the quote leads to the original", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  await say(joon, garden, "Who has the key?");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await page.getByRole("article").hover();
  await page.getByRole("article").getByRole("button", { name: "Reply" }).click();
  await expect(page.getByText("Replying to Joon")).toBeVisible();
  await write(page, "I have it");
  const quote = page.getByRole("article").last().locator(".quote");
  await expect(quote).toContainText("Who has the key?");
  await quote.click();
  await expect(page.locator(".message-target")).toContainText("Who has the key?");
});

test("an owner pins, makes a moderator and removes; the one concerned sees it", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(mina, "Garden", [joon]);
  await say(joon, garden, "The gate is open at nine.");
  const [page, other] = [await signedIn(mina), await signedIn(joon)];
  await openRoom(page, "Garden");
  await openRoom(other, "Garden");
  await page.getByRole("article").hover();
  await page.getByRole("button", { name: "Actions for the message of Joon" }).click();
  await page.getByRole("menuitem", { name: "Pin" }).click();
  await expect(other.getByText("Mina pinned a message")).toBeVisible();
  await expect(other.getByRole("button", { name: "Pins: 1" })).toBeVisible();

  await page.getByRole("button", { name: "Members and pins" }).click();
  const actions = page.getByRole("button", { name: "Actions for Joon" });
  await actions.click();
  await page.getByRole("menuitem", { name: "Make moderator" }).click();
  await expect(other.getByText("Joon is now a moderator")).toBeVisible();
  await expect(page.getByRole("list", { name: "Members" }).getByText("Moderator")).toBeVisible();
  await actions.click();
  await page.getByRole("menuitem", { name: "Remove from room" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText("Mina removed Joon")).toBeVisible();
  await expect(other.getByText("You are not in this room yet.")).toBeVisible();
  await expect(other.getByRole("navigation").getByText("Garden")).toHaveCount(0);
});

test("whoever is blocked is hidden, until it is ended", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  await say(joon, garden, "Something rude");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await page.getByRole("button", { name: "Members and pins" }).click();
  await page.getByRole("button", { name: "Actions for Joon" }).click();
  await page.getByRole("menuitem", { name: "Block" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Block" }).click();
  await expect(page.getByRole("article")).toContainText("A message of somebody whom you have blocked");
  await expect(page.getByText("Something rude")).toHaveCount(0);
  await page.locator(".me").click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Privacy" }).click();
  await page.getByRole("button", { name: "Unblock: Joon" }).click();
  await page.keyboard.press("Escape");
  await expect(messages(page)).toHaveText(["Something rude"]);
});

test("an invitation is accepted from the notices; a direct room is called by the other one", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const page = await signedIn(mina);
  const direct = await joon.call<{ id: string }>("POST", "/rooms", {
    name: "Mina, Joon",
    kind: "direct",
    members: [mina.id],
  });
  await joon.call("POST", `/rooms/${direct.id}/messages`, { text: "Hello" });
  await page.getByRole("button", { name: "Notices, 1 unread" }).click();
  await expect(page.getByText("Joon wants to talk with you directly")).toBeVisible();
  await page.getByRole("button", { name: "Accept" }).click();
  await expect(page.getByRole("heading", { name: "Joon" })).toBeVisible();
  await expect(messages(page)).toHaveText(["Hello"]);
});

test("a conversation that was hidden comes back with its next message", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  await room(joon, "Garden", [mina]);
  const direct = await joon.call<{ id: string }>("POST", "/rooms", { name: "Mina, Joon", kind: "direct", members: [mina.id] });
  const page = await signedIn(mina);
  await page.getByRole("navigation").getByRole("link", { name: /Joon/ }).click();
  await page.getByRole("button", { name: "Room", exact: true }).click();
  await page.getByRole("menuitem", { name: "Hide conversation" }).click();
  const rooms = page.getByRole("navigation").getByRole("listitem");
  await expect(rooms).toHaveCount(1);
  await joon.call("POST", `/rooms/${direct.id}/messages`, { text: "Are you still there?" });
  await expect(rooms.first()).toContainText("Are you still there?");
});

test("a changed name is shown everywhere", async ({ somebody, signedIn }) => {
  const [mina, joon] = [await somebody("Mina"), await somebody("Joon")];
  const garden = await room(joon, "Garden", [mina]);
  await say(joon, garden, "Hello");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await expect(page.getByRole("article")).toContainText("Joon");
  await joon.call("PATCH", "/users/me", { name: "Joon Park" });
  await expect(page.getByRole("article")).toContainText("Joon Park");
});

test("another device is signed out, and says so", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const [page, other] = [await signedIn(mina), await signedIn(mina)];
  await page.locator(".me").click();
  await page.getByRole("menuitem", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Devices" }).click();
  await expect(page.getByText("This device")).toHaveCount(1);
  const others = page.getByRole("button", { name: "Sign out Chrome, Linux" });
  await others.first().click();
  await expect(other.getByText("You were signed out.")).toBeVisible();
  await expect(other.getByLabel("Username")).toBeVisible();
});

test("signing out forgets; a wrong password says so", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  await room(mina, "Garden");
  const page = await signedIn(mina);
  await openRoom(page, "Garden");
  await page.locator(".me").click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByLabel("Username")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Username")).toBeVisible();
  await page.getByLabel("Username").fill(mina.username);
  await page.getByLabel("Password", { exact: true }).fill("not her password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("This username and password do not match.");
});
