import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { Chat, enter } from "./chat";

function App() {
  const [entered, setEntered] = useState<Awaited<ReturnType<typeof enter>> | null>(null);
  const [error, setError] = useState("");
  const signIn = (data: FormData) =>
    enter(String(data.get("username")), String(data.get("password"))).then(setEntered, ({ message }) => setError(message));
  if (entered) return <Chat {...entered} />;
  return (
    <form action={signIn}>
      <input name="username" aria-label="Username" required autoComplete="username" />
      <input name="password" aria-label="Password" required type="password" autoComplete="current-password" />
      <button>Enter</button>
      <p role="alert">{error}</p>
    </form>
  );
}

createRoot(document.getElementById("root") as HTMLElement).render(<StrictMode><App /></StrictMode>);
