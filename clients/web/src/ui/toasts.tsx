// What is said in passing. What shows it comes after the first picture, and hears of what was said before.
import type { MadangError } from "@madang/client";
import { useCallback } from "react";
import { useTexts } from "../i18n";
import { errorText } from "../state/errors";
import { Value } from "../state/value";

export interface Said {
  readonly text: string;
  readonly kind: "note" | "error";
}

/** What is said, and not shown yet. */
export const said = new Value<readonly Said[]>([]);

/** Says something in passing. Screen readers hear it. */
export function say(text: string, kind: Said["kind"] = "note"): void {
  said.set([...said.get(), { text, kind }]);
}

/** What a refusal means where it means more than elsewhere. */
export type Words = Partial<Record<MadangError["code"], string>>;

/** Runs what the user asked for, and says why if it fails. The promise rejects then, for whoever waits for it. */
export function useAct(): <Result>(act: () => Promise<Result>, done?: string, words?: Words) => Promise<Result> {
  const texts = useTexts();
  return useCallback(
    <Result,>(act: () => Promise<Result>, done?: string, words?: Words) => {
      const result = act();
      result.then(
        () => done !== undefined && say(done),
        (error: unknown) => say(errorText(texts, error, words), "error"),
      );
      return result;
    },
    [texts],
  );
}
