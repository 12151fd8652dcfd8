// Users and rooms, made by REST: what a test is about is done in the page.
import { setTimeout as pause } from "node:timers/promises";

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly name: string;
  readonly password: string;
  call<Answer = unknown>(method: string, path: string, body?: unknown): Promise<Answer>;
}

export interface Room {
  readonly id: string;
  readonly name: string;
}

export const PASSWORD = "a courtyard at noon";
let count = 0;

async function request<Answer>(url: string, method: string, path: string, body: unknown, token?: string): Promise<Answer> {
  const response = await fetch(`${url}/v1${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status === 429) {
    await pause((JSON.parse(text) as { retry_after_ms: number }).retry_after_ms);
    return request(url, method, path, body, token);
  }
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as Answer;
}

/** A user whom no other test has. */
export async function person(url: string, name: string, username?: string): Promise<Person> {
  count += 1;
  const own = username ?? `${name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")}${process.pid}x${count}`;
  const body = { username: own, password: PASSWORD, name };
  const tokens = await request<{ access_token: string; user: { id: string } }>(url, "POST", "/auth/register", body);
  return {
    id: tokens.user.id,
    username: own,
    name,
    password: PASSWORD,
    call: (method, path, content) => request(url, method, path, content, tokens.access_token),
  };
}

export async function room(owner: Person, name: string, others: readonly Person[] = [], kind = "public"): Promise<Room> {
  const made = await owner.call<Room>("POST", "/rooms", { name, kind });
  for (const other of others) {
    if (kind === "public") await other.call("POST", `/rooms/${made.id}/join`);
    else await owner.call("PUT", `/rooms/${made.id}/members/${other.id}`, {});
  }
  return made;
}

export async function say(who: Person, { id }: Room, text: string, more: object = {}): Promise<{ id: string; seq: number }> {
  return who.call("POST", `/rooms/${id}/messages`, { text, ...more });
}
