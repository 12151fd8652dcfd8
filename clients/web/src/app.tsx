import { CSPProvider } from "@base-ui/react/csp-provider";
import { MadangProvider } from "@madang/react";
import { useEffect, useMemo } from "react";
import { useTexts } from "./i18n";
import { SignIn } from "./screens/sign-in";
import { Shell } from "./shell/shell";
import { type SignedIn, signInState } from "./state/account";
import { useValue } from "./state/value";
import { World, WorldContext } from "./state/world";
import { Tips } from "./ui/tips";
import { Toasts } from "./ui/toast-region";

export function App() {
  return (
    <CSPProvider disableStyleElements>
      <Screen />
      <Toasts />
      <Tips />
    </CSPProvider>
  );
}

function Screen() {
  const state = useValue(signInState);
  const texts = useTexts();
  switch (state.phase) {
    case "loading":
      return <p className="visually-hidden">{texts.loading}</p>;
    case "out":
      return <SignIn ended={state.ended} />;
    case "in":
      return <SignedInScreen key={state.account.id} account={state.account} client={state.client} />;
  }
}

function SignedInScreen({ account, client }: SignedIn) {
  const world = useMemo(() => new World(client, account), [client, account]);
  useEffect(() => world.begin(), [world]);
  return (
    <MadangProvider client={client}>
      <WorldContext value={world}>
        <Shell />
      </WorldContext>
    </MadangProvider>
  );
}
