// Rooms of very many messages: to fill them, and to see what a page takes for them.
import type { CDPSession, Page } from "@playwright/test";
import { type Server, ownServer } from "./server";

/** Sends that wait for their answers. */
const AT_ONCE = 48;
const TRIES = 10;

const WORDS = ["courtyard", "마당에서 만나요", "lunch", "review", "오늘", "tomorrow", "https://example.com/reviews/42", "🎉"];

/** Texts of different lengths, up to as many words, which begin with their number. */
function textOf(number: number, words: number): string {
  const said = Array.from({ length: 1 + ((number * 7) % words) }, (_, place) => WORDS[(number + place) % WORDS.length]);
  return `${number} ${said.join(" ")}`;
}

/** A server that takes as many messages of one user as it can. */
export function patientServer(): Promise<Server> {
  const many = "1000000";
  return ownServer({
    MADANG_SENDS_PER_SECOND: many,
    MADANG_SENDS_BURST: many,
    MADANG_ROOM_SENDS_PER_SECOND: many,
    MADANG_ADDRESS_SENDS_PER_SECOND: "0",
  });
}

/** Sends that many messages, several at a time: their numbers are nearly in order. */
export async function fill(url: string, who: { username: string; password: string }, id: string, messages: number, words = 40): Promise<void> {
  const answer = await fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: who.username, password: who.password }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  let sent = 0;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const send = async (number: number) => {
    const body = JSON.stringify({ text: textOf(number, words), key: `number-${number}` });
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(`${url}/v1/rooms/${id}/messages`, { method: "POST", headers, body });
      await response.arrayBuffer();
      if (response.ok) return;
      // A machine with other work may not do it in time; with the same key it is one message.
      if (response.status < 500 || tries === TRIES) throw new Error(`message ${number} got ${response.status}`);
    }
  };
  const work = async () => {
    while (sent < messages - 1) await send((sent += 1));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await send(messages);
}

/** What is left in the page after its garbage is collected. */
export async function heapBytes(session: CDPSession): Promise<number> {
  // What a finalizer lets go is there until the next time.
  for (let time = 0; time < 2; time += 1) await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

/** The number with which the first message in the page begins. */
export const oldest = async (page: Page) => Number(((await page.locator(".message-text").first().textContent()) ?? "0").split(" ")[0]);
