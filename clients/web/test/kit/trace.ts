// What the browser's own trace says about a stretch of time: where the main thread was, and which tasks were long.
import { writeFile } from "node:fs/promises";
import type { CDPSession } from "@playwright/test";

/** An event of a trace, as Chromium writes it. Times are microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args?: {
    readonly name?: string;
    readonly data?: { readonly functionName?: string };
    readonly frame_reporter?: FrameReport;
  };
}

/** What the compositor says of a frame. */
interface FrameReport {
  readonly state: string;
  readonly layer_tree_host_id: number;
  readonly affects_smoothness: boolean;
  readonly has_missing_content: boolean;
  readonly scroll_state: string;
  readonly frame_sequence: number;
}

export interface Traced {
  readonly tookMs: number;
  /** The time of the page's main thread by what it did, without what was done inside of it; the most first. */
  readonly mainMs: readonly (readonly [what: string, ms: number])[];
  /** Tasks of more than 50 ms, the longest first, with what took most of each. */
  readonly longTasks: readonly string[];
  /** Of the frames while something scrolled. */
  readonly frames: Frames;
}

export interface Frames {
  /** On the screen; `late` had the page's own part of a frame before, and `blank` had a part that was not drawn yet. */
  readonly shown: number;
  readonly late: number;
  readonly blank: number;
  /** Due, and not on the screen. */
  readonly dropped: number;
}

const CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing", "v8", "cc", "benchmark"];
const LONG_TASK_US = 50_000;

export async function traced(session: CDPSession, happens: () => Promise<void>, file?: string): Promise<Traced> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { value: unknown[] }) => void events.push(...(value as TraceEvent[]));
  session.on("Tracing.dataCollected", collect);
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: CATEGORIES, excludedCategories: ["*"] },
  });
  const beganAt = performance.now();
  await happens();
  const tookMs = performance.now() - beganAt;
  const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
  await session.send("Tracing.end");
  await complete;
  session.off("Tracing.dataCollected", collect);
  if (file !== undefined) await writeFile(file, JSON.stringify({ traceEvents: events }));
  return { tookMs, ...summary(events), frames: framesOf(events) };
}

/** A frame is reported twice where the page's part comes later than that of the compositor: by its number it is one. */
function framesOf(events: readonly TraceEvent[]): Frames {
  const frames = new Map<string, Record<keyof Frames, boolean>>();
  for (const { name, ph, pid, args } of events) {
    const report = args?.frame_reporter;
    if (name !== "PipelineReporter" || ph !== "b" || !report || report.scroll_state === "SCROLL_NONE") continue;
    if (report.state === "STATE_NO_UPDATE_DESIRED") continue;
    const key = `${pid} ${report.layer_tree_host_id} ${report.frame_sequence}`;
    const frame = frames.get(key) ?? { shown: false, late: false, blank: false, dropped: false };
    frames.set(key, frame);
    frame.shown ||= report.state.startsWith("STATE_PRESENTED");
    frame.late ||= report.state === "STATE_PRESENTED_PARTIAL" && report.affects_smoothness;
    frame.blank ||= report.has_missing_content;
    frame.dropped ||= report.state === "STATE_DROPPED";
  }
  const all = [...frames.values()];
  return {
    shown: all.filter(({ shown }) => shown).length,
    late: all.filter(({ late }) => late).length,
    blank: all.filter(({ blank }) => blank).length,
    dropped: all.filter(({ shown, dropped }) => dropped && !shown).length,
  };
}

/** The main thread of a page is the one that does layouts. */
function summary(events: readonly TraceEvent[]): Pick<Traced, "mainMs" | "longTasks"> {
  const counts = new Map<string, number>();
  for (const { name, pid, tid } of events) if (name === "UpdateLayoutTree") counts.set(`${pid} ${tid}`, (counts.get(`${pid} ${tid}`) ?? 0) + 1);
  const main = [...counts].sort(([, one], [, other]) => other - one)[0]?.[0];
  const own = events
    .filter(({ ph, pid, tid, dur }) => ph === "X" && dur !== undefined && `${pid} ${tid}` === main)
    .sort((one, other) => one.ts - other.ts || (other.dur ?? 0) - (one.dur ?? 0));
  const totalsUs = new Map<string, number>();
  const longTasks: { us: number; parts: Map<string, number> }[] = [];
  const stack: { end: number; name: string; task: { us: number; parts: Map<string, number> } | null }[] = [];
  const add = (totals: Map<string, number>, name: string, us: number) => void totals.set(name, (totals.get(name) ?? 0) + us);
  for (const { name, ts, dur = 0, args } of own) {
    while (stack.length > 0 && (stack.at(-1)?.end ?? 0) <= ts) stack.pop();
    const outer = stack.at(-1);
    const isTask = outer === undefined && dur >= LONG_TASK_US;
    const task = isTask ? { us: dur, parts: new Map<string, number>() } : (outer?.task ?? null);
    if (isTask && task) longTasks.push(task);
    const label = args?.data?.functionName ? `${name} ${args.data.functionName}` : name;
    add(totalsUs, label, dur);
    if (task) add(task.parts, label, dur);
    if (outer) {
      add(totalsUs, outer.name, -dur);
      if (outer.task) add(outer.task.parts, outer.name, -dur);
    }
    stack.push({ end: ts + dur, name: label, task });
  }
  const sorted = (totals: Map<string, number>) =>
    [...totals].map(([name, us]) => [name, Math.round(us / 100) / 10] as const).sort(([, one], [, other]) => other - one);
  return {
    mainMs: sorted(totalsUs),
    longTasks: longTasks
      .sort((one, other) => other.us - one.us)
      .map(({ us, parts }) => `${Math.round(us / 1_000)} ms (${sorted(parts).slice(0, 3).map(([name, ms]) => `${name} ${ms}`).join(", ")})`),
  };
}
