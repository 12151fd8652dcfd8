import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { restore } from "./state/account";
import { applyPreferences } from "./state/apply-preferences";
import { reloadForNewVersion } from "./state/new-version";
import "./styles/index.css";

reloadForNewVersion();

applyPreferences();
void restore();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
