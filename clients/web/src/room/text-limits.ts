/** The most characters of a text; the last ones are counted down. */
export const TEXT_MAX = 4_000;
export const COUNTED_FROM = 3_600;
