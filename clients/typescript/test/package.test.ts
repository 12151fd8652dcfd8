// The package as a whole: its types are those of the contract, it is small, and it has a method for each route.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { OwnAccount } from "../src/account.js";
import { systemEnvironment } from "../src/environment.js";
import { Files } from "../src/files.js";
import { Http } from "../src/rest/http.js";
import { Receipts } from "../src/receipts.js";
import { Rest } from "../src/rest/rest.js";
import { Rooms } from "../src/rooms.js";
import { Threads } from "../src/threads.js";

/** From build/test. */
const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const run = promisify(execFile);

test("the types are what the contract says", async () => {
  await run(process.execPath, [at("scripts/generate.mjs"), "--check"]);
});

test("it is smaller than 15 kB with gzip", async () => {
  const { stdout } = await run(process.execPath, [at("scripts/size.mjs")]);
  console.log(stdout.trim());
  assert.ok(Number(/(\d+) bytes with gzip/.exec(stdout)?.[1]) < 15_000);
});

test("it needs no other package", async () => {
  const { dependencies } = JSON.parse(await readFile(at("package.json"), "utf8")) as { dependencies?: unknown };
  assert.equal(dependencies, undefined);
});

test("each route of a user has a method, and no method another route", async () => {
  const document = JSON.parse(await readFile(at("../../docs/openapi.json"), "utf8")) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const isForUsers = (path: string) => !/^\/v1\/(server\/|ws$|openapi|asyncapi)/.test(path);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    isForUsers(path) ? Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`) : [],
  );
  const called: string[] = [];
  const places: Record<string, string> = { ROOM: "{room}", USER: "{user}", SESSION: "{session}", "7": "{id}", EMOJI: "{emoji}", CODE: "{code}", REPORT: "{report}", EXPORT: "{export}", "9": "{seq}", small: "{size}" };
  const environment = {
    ...systemEnvironment(),
    fetch: (async (url: string, { method }: { method: string }) => {
      const path = new URL(url).pathname.split("/").map((part) => places[part] ?? part).join("/");
      called.push(`${method} ${path}`);
      return new Response(path.endsWith("/files") ? "{}" : null, { status: path.endsWith("/files") ? 201 : 204 });
    }) as unknown as typeof fetch,
  };
  const token = async () => ({ token: "t" });
  const rest = new Rest(new Http("http://server", { get: token, getInsteadOf: token }, environment, 1_000));
  const rooms = new Rooms(rest);
  const ofRooms: { [Name in keyof Rooms]: () => Promise<unknown> } = {
    ban: () => rooms.ban("ROOM", "USER", { reason: "spam" }),
    unban: () => rooms.unban("ROOM", "USER"),
    listBans: () => rooms.listBans("ROOM", { limit: 2 }),
    mute: () => rooms.mute("ROOM", "USER"),
    unmute: () => rooms.unmute("ROOM", "USER"),
    makeInvitation: () => rooms.makeInvitation("ROOM", { uses: 1 }),
    listInvitations: () => rooms.listInvitations("ROOM"),
    revokeInvitation: () => rooms.revokeInvitation("ROOM", "CODE"),
    acceptInvitation: () => rooms.acceptInvitation("CODE"),
    reportMessage: () => rooms.reportMessage("ROOM", "7", { reason: "spam" }),
    listReports: () => rooms.listReports({ room: "ROOM", status: "open" }),
    settleReport: () => rooms.settleReport("REPORT", "resolved"),
    listAudit: () => rooms.listAudit("ROOM", { limit: 2 }),
    getWords: () => rooms.getWords("ROOM"),
    putWords: () => rooms.putWords("ROOM", { words: ["spam"], action: "refuse" }),
  };
  const account = new OwnAccount(rest);
  const ofAccount: { [Name in keyof OwnAccount]: () => Promise<unknown> } = {
    putStatus: () => account.putStatus({ text: "at lunch" }),
    changePassword: () => account.changePassword({ current_password: "password", new_password: "another one" }),
    erase: () => account.erase(),
    limits: () => account.limits(),
    beginExport: () => account.beginExport(),
    readExport: () => account.readExport("EXPORT"),
  };
  const receipts = new Receipts(rest);
  const ofReceipts: { [Name in keyof Receipts]: () => Promise<unknown> } = {
    reads: () => receipts.reads("ROOM"),
    putRoomSettings: () => receipts.putRoomSettings("ROOM", { notify: "none" }),
    dismissNotice: () => receipts.dismissNotice(9),
    sync: () => receipts.sync({ limit: 2 }),
  };
  const threads = new Threads(rest);
  const ofThreads: { [Name in keyof Threads]: () => Promise<unknown> } = {
    list: () => threads.list({ limit: 2 }),
    messages: () => threads.messages("ROOM", "7", { before: 7 }),
    markRead: () => threads.markRead("ROOM", "7", 7),
    follow: () => threads.follow("ROOM", "7"),
    unfollow: () => threads.unfollow("ROOM", "7"),
  };
  const files = new Files(rest);
  const ofFiles: { [Name in keyof Files]: () => Promise<unknown> } = {
    upload: () => files.upload("ROOM", new Blob(["x"]), { name: "x" }),
    get: () => files.get("7"),
    thumbnail: () => files.thumbnail("7", "small"),
  };
  const calls: { [Name in Exclude<keyof Rest, "http">]: () => Promise<unknown> } = {
    register: () => rest.register({ username: "mina", password: "password" }),
    login: () => rest.login({ username: "mina", password: "password" }),
    refresh: () => rest.refresh("r"),
    logout: () => rest.logout("r"),
    createTicket: () => rest.createTicket(),
    listSessions: () => rest.listSessions(),
    revokeSession: () => rest.revokeSession("SESSION"),
    keys: () => rest.keys(),
    getMe: () => rest.getMe(),
    updateMe: () => rest.updateMe({ name: "Mina" }),
    getSettings: () => rest.getSettings(),
    putSettings: () => rest.putSettings({ added_by: "nobody" }),
    getUser: () => rest.getUser("USER"),
    listBlocked: () => rest.listBlocked(),
    blockUser: () => rest.blockUser("USER"),
    unblockUser: () => rest.unblockUser("USER"),
    listRooms: () => rest.listRooms({ scope: "public", limit: 2 }),
    createRoom: () => rest.createRoom({ name: "Courtyard", kind: "public" }, { idempotencyKey: "k" }),
    getRoom: () => rest.getRoom("ROOM"),
    updateRoom: () => rest.updateRoom("ROOM", { slug: null }),
    deleteRoom: () => rest.deleteRoom("ROOM"),
    joinRoom: () => rest.joinRoom("ROOM"),
    leaveRoom: () => rest.leaveRoom("ROOM"),
    listMembers: () => rest.listMembers("ROOM"),
    putMember: () => rest.putMember("ROOM", "USER", "moderator"),
    removeMember: () => rest.removeMember("ROOM", "USER"),
    listMessages: () => rest.listMessages("ROOM", { before: 7 }),
    sendMessage: () => rest.sendMessage("ROOM", { text: "t" }),
    editMessage: () => rest.editMessage("ROOM", "7", "t"),
    deleteMessage: () => rest.deleteMessage("ROOM", "7"),
    listRevisions: () => rest.listRevisions("ROOM", "7"),
    addReaction: () => rest.addReaction("ROOM", "7", "EMOJI"),
    removeReaction: () => rest.removeReaction("ROOM", "7", "EMOJI"),
    listPins: () => rest.listPins("ROOM"),
    pinMessage: () => rest.pinMessage("ROOM", "7"),
    unpinMessage: () => rest.unpinMessage("ROOM", "7"),
    markRead: () => rest.markRead("ROOM", 7),
    search: () => rest.search({ q: "q" }),
    listInbox: () => rest.listInbox({ after: 7 }),
    markInboxRead: () => rest.markInboxRead(7),
  };
  for (const group of [calls, ofRooms, ofAccount, ofReceipts, ofThreads, ofFiles]) for (const call of Object.values(group)) await call();
  assert.deepEqual(called.sort(), described.sort());
});
