import { Client, openSession } from "@madang/client";
import { MadangProvider, useMessages } from "@madang/react";

const url = import.meta.env.VITE_MADANG_URL ?? "http://127.0.0.1:8080";
const courtyard = { name: "Courtyard", kind: "public", slug: "courtyard" } as const;

export async function enter(username: string, password: string) {
  const session = openSession({ url });
  const user = await session.login({ username, password }).catch(() => session.register({ username, password }));
  const client = new Client({ url, account: user.id, tokens: session.tokens });
  const room = await client.rest.joinRoom("courtyard").catch(() => client.rest.createRoom(courtyard));
  return { client, room: room.id };
}

export function Chat({ client, room }: Awaited<ReturnType<typeof enter>>) {
  return <MadangProvider client={client}><Room id={room} /></MadangProvider>;
}

function Room({ id }: { id: string }) {
  const { messages, send } = useMessages(id);
  return (
    <form action={(data) => send(String(data.get("text")))}>
      {messages.map(({ key, message, text }) => <p key={key}>{message?.sender.name ?? "…"}: {text}</p>)}
      <input name="text" aria-label="Message" required autoComplete="off" />
    </form>
  );
}
