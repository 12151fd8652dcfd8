import { useConnection } from "@madang/react";
import { CloudOff, RefreshCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useTexts } from "../i18n";
import { useConnected, useOnline } from "../state/use-connected";
import { Button } from "../ui/button";

/** A connection that is made within this time is not worth a word. */
const QUIET_MS = 1_500;

/** Says that there is no connection, once that has lasted for a moment. */
export function ConnectionNote() {
  const texts = useTexts();
  const status = useConnection();
  const isOnline = useOnline();
  const isConnected = useConnected() || status.phase === "stopped";
  const [isLong, setIsLong] = useState(false);
  useEffect(() => {
    setIsLong(false);
    if (isConnected) return;
    const timer = setTimeout(() => setIsLong(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, [isConnected]);
  const isShown = !isConnected && isLong;
  // The region stays, for screen readers speak what comes into one that is there.
  return (
    <div className="connection-note" role="status" data-shown={isShown}>
      {isShown &&
        (status.phase === "denied" ? (
          <>
            <span>{texts.newerVersion}</span>
            <Button onClick={() => location.reload()}>{texts.reload}</Button>
          </>
        ) : (
          <>
            {isOnline ? <RefreshCw className="turning" aria-hidden="true" /> : <CloudOff aria-hidden="true" />}
            <span>{isOnline ? texts.reconnecting : texts.offline}</span>
          </>
        ))}
    </div>
  );
}

/** A dot beside the user's name. */
export function ConnectionDot() {
  const texts = useTexts();
  const isConnected = useConnected();
  return (
    <span className="connection-dot" data-connected={isConnected}>
      <span className="visually-hidden">{isConnected ? texts.connected : texts.connecting}</span>
    </span>
  );
}
