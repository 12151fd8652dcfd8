// Takes the pictures of docs/images: npm run pictures.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { devices } from "@playwright/test";
import { person, room, say } from "./kit/people";
import { composer, expect, messages, openRoom, test } from "./kit/test";

const image = (name: string) => fileURLToPath(new URL(`../../../docs/images/web-${name}.png`, import.meta.url));

/** The button of the room's menu. */
const KOREAN_ROOM = "대화방 메뉴";

test("pictures", async ({ server, signedIn }) => {
  test.setTimeout(240_000);
  const of = (name: string, username: string) => person(server.url, name, username);
  const [mina, joon, sora, theo] = [
    await of("Mina Kim", "mina"),
    await of("Joon Park", "joon"),
    await of("이소라", "소라"),
    await of("Theo Martin", "theo"),
  ];
  const courtyard = await room(mina, "Courtyard", [joon, sora, theo]);
  for (const name of ["Release notes", "Books", "Bike rides", "Support"]) await room(mina, name, [joon]);
  const launch = await room(mina, "Launch", [joon, theo], "private");
  const lunch = await room(sora, "점심 모임", [mina, joon]);
  const design = await room(joon, "Design review", [mina, sora]);
  // What moderators see stands in a room of its own.
  await mina.call("PUT", `/rooms/${launch.id}/words`, { words: ["cheap watches", "바보"], action: "flag" });
  const spam = await say(theo, launch, "Has anybody seen https://example.com/very-cheap-shoes ?");
  await joon.call("POST", `/rooms/${launch.id}/messages/${spam.id}/report`, { reason: "The third time today" });
  await say(theo, launch, "Cheap watches for everybody!");
  const until = new Date(Date.now() + 86_400_000).toISOString();
  await mina.call("POST", `/rooms/${launch.id}/members/${theo.id}/mute`, { reason: "Advertising", until });
  await mina.call("DELETE", `/rooms/${launch.id}/members/${theo.id}/mute`);
  await mina.call("POST", `/rooms/${launch.id}/invitations`, {});
  await mina.call("DELETE", `/rooms/${launch.id}/messages/${spam.id}`);
  await say(theo, launch, "The checklist is up to date, three items left.");
  await say(sora, lunch, "오늘 점심은 비빔밥 어때요?");
  await say(joon, lunch, "좋아요! 12시에 마당에서 만나요 🍚");
  await say(sora, design, "@mina could you look at the empty states?");
  const morning = await say(joon, courtyard, "Good morning, everybody ☀️");
  const question = await say(theo, courtyard, "Did anybody see whether the build for Friday is out?");
  const answer = await say(mina, courtyard, "Not yet. I am waiting for the last review.\nIt should be out by one.");
  await say(sora, courtyard, "안녕하세요, 저는 오후에 합류할게요.");
  const done = await say(joon, courtyard, "The review is done: https://example.com/reviews/42", { reply_to: question.id });
  await say(joon, courtyard, "@mina go ahead");
  await mina.call("PUT", `/rooms/${courtyard.id}/pins/${question.id}`);
  await say(mina, courtyard, "🎉");
  const text = "Not yet. I am waiting for the last review.\nIt should be out by noon.";
  await mina.call("PATCH", `/rooms/${courtyard.id}/messages/${answer.id}`, { text });
  for (const [who, { id }, emoji] of [
    [mina, morning, "👋"],
    [sora, morning, "👋"],
    [theo, morning, "☕"],
    [theo, done, "🙏"],
    [mina, done, "👍"],
    [sora, done, "👍"],
  ] as const) {
    await who.call("PUT", `/rooms/${courtyard.id}/messages/${id}/reactions/${encodeURIComponent(emoji)}`);
  }

  const other = await signedIn(joon);
  await openRoom(other, "Courtyard");
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await signedIn(mina, { viewport: { width: 1280, height: 800 }, colorScheme });
    await openRoom(page, "Courtyard");
    await page.getByRole("button", { name: "Members and pins" }).click();
    await expect(page.getByRole("list", { name: "Members" }).getByText("Theo Martin")).toBeVisible();
    await composer(page).focus();
    await composer(other).pressSequentially("On");
    await expect(page.getByText("Joon Park is typing")).toBeVisible();
    await page.screenshot({ path: image(colorScheme === "light" ? "room" : "dark"), animations: "disabled" });
    await composer(other).fill("");
    await page.close();
  }
  // What surrounds the room: MORE=directory takes these too, to look at them.
  const more = process.env["MORE"];
  for (const [colorScheme, locale] of [["light", "en-US"], ["dark", "ko-KR"]] as const) {
    const page = await signedIn(mina, { viewport: { width: 1280, height: 800 }, colorScheme, locale });
    const shot = (name: string) =>
      page.screenshot({ path: more === undefined ? image(name) : join(more, `${name}-${colorScheme}.png`), animations: "disabled" });
    const isKorean = locale === "ko-KR";
    await openRoom(page, "Courtyard");
    if (!isKorean) {
      await page.getByRole("button", { name: "Search messages" }).click();
      const search = page.getByRole("dialog", { name: "Search messages" });
      await search.getByRole("searchbox").fill("review");
      await expect(search.getByText("Joon Park").first()).toBeVisible();
      await shot("search");
      await page.keyboard.press("Escape");
    }
    const dialogs = isKorean
      ? ["초대 링크", "대화방 설정", "출입 금지된 사람", "신고", "금지어", "관리 기록"]
      : ["Invitation links", "Room settings", "Banned people", "Reports", "Word list", "Audit log"];
    const names = ["links", "room-settings", "bans", "reports", "words", "audit"];
    for (const [place, name] of dialogs.entries()) {
      if (names[place] === "reports") await openRoom(page, "Launch");
      await page.getByRole("button", { name: isKorean ? KOREAN_ROOM : "Room", exact: true }).click();
      await page.getByRole("menuitem", { name }).click();
      await expect(page.getByRole("dialog", { name })).toBeVisible();
      if (place === 0) {
        await page.getByRole("button", { name: isKorean ? "링크 만들기" : "Make a link" }).click();
        await expect(page.getByRole("dialog", { name }).getByRole("textbox")).toBeVisible();
      }
      if (names[place] === "words") await expect(page.getByRole("dialog", { name }).getByRole("textbox")).not.toHaveValue("");
      if (names[place] === "reports") await expect(page.getByRole("dialog", { name }).getByRole("listitem")).toHaveCount(2);
      if (names[place] === "audit") await expect(page.getByRole("dialog", { name }).getByRole("listitem").first()).toBeVisible();
      if (more !== undefined || (!isKorean && ["links", "reports"].includes(names[place] as string))) await shot(names[place] as string);
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog", { name })).toBeHidden();
    }
    await page.locator(".me").click();
    await page.getByRole("menuitem", { name: isKorean ? "설정" : "Settings" }).click();
    await expect(page.getByRole("tabpanel")).not.toBeEmpty();
    if (more !== undefined) await shot("settings");
    await page.close();
  }
  const { viewport, isMobile, hasTouch } = devices["iPhone 13 Mini"];
  const phone = await signedIn(sora, { viewport, isMobile, hasTouch, deviceScaleFactor: 2, locale: "ko-KR" });
  await openRoom(phone, "Courtyard");
  await expect(messages(phone).last()).toHaveText("🎉");
  await phone.screenshot({ path: image("phone"), animations: "disabled" });
});
