// Korean: input methods compose syllables, and Enter ends a composition.
import { room } from "./kit/people";
import { expect, messages, test, openRoom } from "./kit/test";

test("Enter while a syllable is composed does not send, and the next one does, once", async ({ somebody, signedIn }) => {
  const mina = await somebody("미나");
  await room(mina, "마당");
  const page = await signedIn(mina, { locale: "ko-KR" });
  await openRoom(page, "마당");
  const field = page.getByRole("textbox", { name: "마당에 메시지 쓰기" });
  await field.focus();
  const input = await page.context().newCDPSession(page);
  for (const text of ["ㅇ", "아", "안"]) {
    await input.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  }
  const pressEnter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 };
  await input.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...pressEnter });
  await input.send("Input.dispatchKeyEvent", { type: "keyUp", ...pressEnter });
  await input.send("Input.insertText", { text: "안녕" });
  await expect(field).toHaveValue("안녕");
  await expect(messages(page)).toHaveCount(0);
  await field.press("Enter");
  await expect(messages(page)).toHaveText(["안녕"]);
  await expect(field).toHaveValue("");
});

test("where the composition ends before the key, as in Safari, it does not send either", async ({ somebody, signedIn }) => {
  const mina = await somebody("미나");
  await room(mina, "마당");
  const page = await signedIn(mina, { locale: "ko-KR" });
  await openRoom(page, "마당");
  const field = page.getByRole("textbox", { name: "마당에 메시지 쓰기" });
  await field.fill("안녕");
  await field.evaluate((element) => {
    const event = new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true });
    element.dispatchEvent(event);
  });
  await expect(messages(page)).toHaveCount(0);
  await expect(field).toHaveValue("안녕");
});

test("the page is in the language of the browser, and in another one by choice", async ({ somebody, signedIn }) => {
  const mina = await somebody("Mina");
  const page = await signedIn(mina, { locale: "ko-KR" });
  await expect(page.locator("html")).toHaveAttribute("lang", "ko");
  await expect(page.getByText("아직 대화방이 없습니다")).toBeVisible();
  await page.locator(".me").click();
  await page.getByRole("menuitem", { name: "설정" }).click();
  await page.getByRole("tab", { name: "화면" }).click();
  await page.getByRole("radio", { name: "English" }).check();
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  await page.reload();
  await expect(page.getByText("No rooms yet")).toBeVisible();
});
