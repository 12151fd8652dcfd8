// How many members have not read a message.
import assert from "node:assert/strict";
import { test } from "node:test";
import { notRead } from "../src/receipts.js";

test("as many members have not read a message as stand before it, but its sender", () => {
  const marks = [
    { seq: 2, members: 2 },
    { seq: 5, members: 1 },
  ];
  const of = (seq: number, from = 0) => notRead({ members: 3, from, marks }, seq);
  assert.deepEqual([of(2), of(3), of(5), of(6)], [0, 2, 2, 2], "whoever wrote the last one has read it");
  assert.equal(of(2, 2), null, "of what lies so far back nothing is known");
  assert.equal(notRead({ members: 0, from: 0, marks: [] }, 1), 0);
});
