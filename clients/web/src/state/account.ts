// The sign-in of this browser, and the client of whoever is signed in.
import { type Account, Client, openSession } from "@madang/client";
import { Value } from "./value";

/** The server is where the page is from, below the same path. */
export const serverUrl = new URL(".", document.baseURI).href.replace(/\/$/, "");

const session = openSession({ url: serverUrl });

export type SignedIn = { readonly account: Account; readonly client: Client };

export type SignInState =
  | { readonly phase: "loading" }
  | { readonly phase: "out"; readonly ended: boolean }
  | ({ readonly phase: "in" } & SignedIn);

export const signInState = new Value<SignInState>({ phase: "loading" });

function enter(account: Account): void {
  const client = new Client({ url: serverUrl, account: account.id, tokens: session.tokens });
  client.status.subscribe(() => {
    const status = client.status.get();
    if (status.phase !== "denied" || status.error.code !== "unauthenticated") return;
    client.close();
    signInState.set({ phase: "out", ended: true });
  });
  signInState.set({ phase: "in", account, client });
}

export async function restore(): Promise<void> {
  const account = await session.user().catch(() => null);
  if (account) enter(account);
  else signInState.set({ phase: "out", ended: false });
}

export async function signIn(username: string, password: string): Promise<void> {
  enter(await session.login({ username, password }));
}

export async function signUp(username: string, password: string, name: string): Promise<void> {
  enter(await session.register({ username, password, ...(name === "" ? {} : { name }) }));
}

export async function signOut(): Promise<void> {
  const state = signInState.get();
  if (state.phase === "in") state.client.close();
  signInState.set({ phase: "out", ended: false });
  location.hash = "";
  // Without a network the session ends here all the same.
  await session.logout().catch(() => {});
}
