// A part of the page whose code is not in the first load.
import { type ComponentType, useEffect, useReducer } from "react";
import { useTexts } from "../i18n";
import { say } from "./toasts";

export type Part<Props> = ComponentType<Props> & {
  /** Loads it, before anybody asks for it. */
  readonly preload: () => Promise<void>;
};

/** What most parts have. */
interface Openable {
  readonly open?: boolean;
  readonly onClose?: () => void;
}

interface PartOptions<Props> {
  /** Whether it is to be seen. By default where it is `open`. */
  readonly isWanted?: (props: Props) => boolean;
  /** Says that it is not to be seen, where its code cannot be had. By default by `onClose`. */
  readonly close?: (props: Props) => void;
}

/** The loads of all parts, for `preloadParts`. */
const loads: (() => Promise<void>)[] = [];

/**
 * A component whose code is loaded when it is to be seen for the first time, or earlier. Where that fails, as without a
 * network, it says so and closes itself; the next time it tries again.
 */
export function part<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  {
    isWanted = (props) => (props as Openable).open ?? true,
    close = (props) => (props as Openable).onClose?.(),
  }: PartOptions<Props> = {},
): Part<Props> {
  let Loaded: ComponentType<Props> | null = null;
  let loading: Promise<void> | null = null;
  const preload = () => {
    loading ??= load().then(
      (component) => {
        Loaded = component;
      },
      (error: unknown) => {
        loading = null;
        throw error;
      },
    );
    return loading;
  };
  function Later(props: Props) {
    const texts = useTexts();
    const [, show] = useReducer((count: number) => count + 1, 0);
    const wanted = isWanted(props);
    useEffect(() => {
      if (!wanted || Loaded) return;
      let isCurrent = true;
      preload().then(
        () => isCurrent && show(),
        () => {
          if (!isCurrent) return;
          say(texts.errorUnavailable, "error");
          close(props);
        },
      );
      return () => void (isCurrent = false);
    }, [wanted]);
    return Loaded ? <Loaded {...props} /> : null;
  }
  loads.push(preload);
  return Object.assign(Later, { preload });
}

/** How long after the first picture the parts are loaded. */
const PRELOAD_MS = 1_000;

/** Loads all parts once there is time, so that the first click on one waits for nothing. */
export function preloadParts(): () => void {
  const timer = setTimeout(() => {
    for (const load of loads) load().catch(() => {});
  }, PRELOAD_MS);
  return () => clearTimeout(timer);
}
