import { useEffect, useState } from "react";
import { useValue } from "../state/value";
import { part } from "./part";
import { said } from "./toasts";

const ToastList = part<{ open: boolean }>(() => import("./toast-list").then((module) => module.ToastList));

/** How long after the first picture the region is there: screen readers speak what comes into one that they know. */
const READY_MS = 1_500;

export function Toasts() {
  const isSaid = useValue(said).length > 0;
  const [isDue, setIsDue] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsDue(true), READY_MS);
    return () => clearTimeout(timer);
  }, []);
  return <ToastList open={isDue || isSaid} />;
}
