// What a `User-Agent` says to a person. The first that fits counts: Edge names Chrome too, and Chrome Safari.
const BROWSERS = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Whale\//, "Whale"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/(?:Headless)?Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
  [/curl\//, "curl"],
] as const;

const SYSTEMS = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
] as const;

export function deviceOf(userAgent: string | null): { name: string | null; isPhone: boolean } {
  const found = (of: typeof BROWSERS | typeof SYSTEMS) => of.find(([pattern]) => pattern.test(userAgent ?? ""))?.[1];
  const parts = [found(BROWSERS), found(SYSTEMS)].filter((part) => part !== undefined);
  return { name: parts.length === 0 ? null : parts.join(", "), isPhone: /Mobile|iPhone|Android/.test(userAgent ?? "") };
}
